# Shell functions shared by ./demo, ./test and the scripts under tests/. Sourced, never run.
# Everything that a run starts is recorded under one folder (RUN below), by process id, so that it
# can be ended by that folder's name alone.
# shellcheck shell=bash

project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$(basename "$0"): $*"
  exit 1
}

# packages_of SECTION...: the packages of packages.txt that belong to these sections.
packages_of() {
  local section
  for section in "$@"; do
    awk -v want="[$section]" '/^\[/ {found = $1 == want; next} /^[^#]/ && found {print $1}' "$project/packages.txt"
  done
}

# find_go: the path of a Go that can fetch the toolchain which a go.mod asks for, which 1.21 was the
# first to do. Nothing is printed when there is none.
find_go() {
  local candidate
  for candidate in go /usr/local/go/bin/go /usr/lib/go-1.*/bin/go; do
    command -v "$candidate" >/dev/null || continue
    if [[ $("$candidate" version) =~ go1\.([0-9]+) ]] && ((BASH_REMATCH[1] >= 21)); then
      command -v "$candidate"
      return
    fi
  done
}

# tool NAME: the path of one of the programs that build-tools provides. TOOLS is what it printed.
tool() {
  if [[ -x $TOOLS/$1 ]]; then echo "$TOOLS/$1"; else command -v "$1"; fi
}

# build_preset PRESET [TARGET...]: configures and builds it, all targets by default.
build_preset() {
  local preset=$1 log=$project/build/$1-configure.log
  shift
  mkdir -p "$project/build"
  cd "$project" || exit
  cmake --preset "$preset" >"$log" 2>&1 || {
    tail -n 20 "$log" >&2
    die "cmake cannot configure preset $preset (all of it: $log)"
  }
  # Ninja itself would run two jobs more than there are cores, which only makes each of them slower.
  CMAKE_BUILD_PARALLEL_LEVEL=${CMAKE_BUILD_PARALLEL_LEVEL:-$(nproc)} NINJA_STATUS='  [%f/%t, %e s] ' \
    cmake --build --preset "$preset" ${1:+--target "$@"} >&2 ||
    die "preset $preset does not build; the lines above say why"
}

# free_ports N: N different TCP ports that are free on loopback, the next higher one too (a software
# TPM takes both), below the range that the kernel hands out to clients. None is given twice in a RUN: who got one may
# not listen yet, or not at the moment.
free_ports() {
  local given=${RUN:-/nonexistent}/ports.given
  perl -MIO::Socket::INET -e '
    sub bound { IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1", LocalPort => $_[0]) }
    my (%held, %given);
    if (open my $file, "<", $ARGV[1]) { chomp, $given{$_} = 1 while <$file> }
    while (keys %held < $ARGV[0]) {
      my $port = 20000 + 2 * int rand 6000;
      next if $held{$port} || $given{$port};
      my ($first, $second) = (bound($port), bound($port + 1));
      $held{$port} = [$first, $second] if $first && $second;
    }
    if (open my $file, ">>", $ARGV[1]) { print $file "$_\n" for keys %held }
    print "$_\n" for keys %held' "$1" "$given"
}

# wait_until SECONDS WHAT COMMAND...: polls until the command succeeds; says what was waited for
# when it does not in time.
wait_until() {
  local limit=$1 what=$2 deadline=$((SECONDS + $1))
  shift 2
  until "$@"; do
    if ((SECONDS >= deadline)); then
      say "waited $limit s in vain for: $what"
      return 1
    fi
    sleep 0.2
  done
}

# ---- processes ------------------------------------------------------------------------------------

# process_start PID: when it started, in clock ticks since boot; fails when it is gone. Together with
# the id it names a process for good, for ids are used again.
process_start() {
  local stat fields
  { stat=$(<"/proc/$1/stat"); } 2>/dev/null || return 1
  read -r -a fields <<<"${stat##*) }"
  [[ ${fields[0]} != Z ]] && echo "${fields[19]}"
}

# spawn RUN NAME COMMAND...: starts a server in a session of its own, so that Ctrl-C on the terminal
# reaches only the script, which then ends its servers in order. Its output goes to RUN/log/NAME.log.
spawn() {
  local run=$1 name=$2
  shift 2
  mkdir -p "$run/process" "$run/log"
  rm -f "$run/process/$name"
  # The process notes its own id before it becomes the server: there is no moment in which it runs unknown.
  # shellcheck disable=SC2016  # expanded by the inner shell
  setsid bash -c 'read -r stat </proc/$$/stat; read -r -a fields <<<"${stat##*) }"
                  echo "$$ ${fields[19]}" >"$0.new" && mv "$0.new" "$0" && exec "$@"' \
    "$run/process/$name" "$@" </dev/null >>"$run/log/$name.log" 2>&1 &
  disown
  wait_until 60 "$name to start" test -e "$run/process/$name"
}

# running RUN NAME
running() {
  local pid start
  read -r pid start 2>/dev/null <"$1/process/$2" && [[ $(process_start "$pid") == "$start" ]]
}

stopped() { ! running "$@"; }

# wait_served RUN NAME SECONDS COMMAND...: polls until the server NAME lets the command succeed; shows the
# end of its log when it ends before that, or takes too long.
wait_served() {
  local run=$1 name=$2 limit=$3 deadline=$((SECONDS + $3)) what
  shift 3
  until "$@"; do
    what=
    if stopped "$run" "$name"; then what="$name ended"; fi
    if ((SECONDS >= deadline)); then what="$name is not ready after $limit s"; fi
    if [[ -n $what ]]; then
      say "$what; the end of $run/log/$name.log:"
      tail -n 5 "$run/log/$name.log" >&2
      return 1
    fi
    sleep 0.2
  done
}

# signal_process RUN NAME SIGNAL
signal_process() {
  local pid
  running "$1" "$2" && read -r pid _ <"$1/process/$2" && kill -s "$3" "$pid" 2>/dev/null
}

# end_process RUN NAME...: asks them all to end, then makes sure.
end_process() {
  local run=$1 name deadline=$((SECONDS + 10))
  shift
  for name in "$@"; do signal_process "$run" "$name" TERM || true; done
  for name in "$@"; do
    until stopped "$run" "$name"; do
      if ((SECONDS >= deadline)); then signal_process "$run" "$name" KILL || true; fi
      sleep 0.05
    done
    rm -f "$run/process/$name"
  done
}

# end_all RUN: ends everything that was spawned there, the youngest first.
end_all() {
  local names
  mapfile -t names < <(find "$1/process" -type f ! -name '*.new' -printf '%T@ %f\n' 2>/dev/null | sort -rn | cut -d' ' -f2)
  ((${#names[@]} == 0)) || end_process "$1" "${names[@]}"
}

# end_all_with OWNER RUN: ends everything there should the process OWNER vanish without doing so
# itself, as when it was killed.
end_all_with() {
  # shellcheck disable=SC2016  # expanded by the inner shell
  setsid bash -c 'source "$0"; owner=$(process_start "$1")
                  while [[ -d $2 && $(process_start "$1") == "$owner" ]]; do sleep 1; done
                  end_all "$2"' "$project/tests/cluster/lib.sh" "$1" "$2" </dev/null >/dev/null 2>&1 &
  disown
}

# ---- certificates ---------------------------------------------------------------------------------

# make_authority FILE NAME: a certificate authority FILE.crt with its key FILE.key.
make_authority() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj "/CN=$2" \
    -addext 'keyUsage=critical,keyCertSign,cRLSign' -keyout "$1.key" -out "$1.crt" 2>/dev/null
}

# make_certificate AUTHORITY FILE SUBJECT clientAuth|serverAuth [NAMES]: FILE.crt and FILE.key. NAMES
# is a subjectAltName.
make_certificate() {
  openssl req -x509 -CA "$1.crt" -CAkey "$1.key" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
    -subj "$3" -addext 'basicConstraints=critical,CA:FALSE' -addext 'keyUsage=critical,digitalSignature' \
    -addext "extendedKeyUsage=$4" ${5:+-addext "subjectAltName=$5"} -keyout "$2.key" -out "$2.crt" 2>/dev/null
}
