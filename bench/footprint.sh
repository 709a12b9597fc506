# Memory and start of the programs on a real control plane, for bench/run. Sourced.
# shellcheck shell=bash

# memory NAME FIELD: kB of a field of /proc/PID/status of a process of this run, as MB.
memory() {
  local pid
  read -r pid _ <"$RUN/process/$1"
  awk -v field="$2:" '$1 == field { printf "%.1f", $2 / 1000 }' "/proc/$pid/status"
}

# footprint_row PROGRAM PROCESS TARGET: dynamic libraries count in VmRSS, though every process shares them.
footprint_row() {
  local anonymous
  anonymous=$(memory "$2" RssAnon)
  echo "| $1 | $anonymous | $(memory "$2" VmRSS) | $3 | $(awk -v a="$anonymous" -v b="$3" \
    'BEGIN { print (a <= b ? "yes" : "no") }') |"
}

# In a shell of its own, with which the test bed ends.
run_footprint() (
  build_preset bench start_bench
  say "measuring: start"
  echo '## Start, with next to nothing to list'
  echo
  echo '| What | Time (lowest to highest of nine) | Target | Met |'
  echo '|---|---:|---:|---|'
  "$project/build/bench/bin/start_bench" || die "start_bench failed; the lines above say why"
  echo
  start_testbed
  say "measuring: three nodes, half a minute of refreshes"
  sleep 30
  echo '## Memory on a real control plane: three nodes, epochs of 2 s, a refresh every 3 s'
  echo
  echo '| Program | RssAnon, MB | VmRSS, MB | Target of RssAnon | Met |'
  echo '|---|---:|---:|---:|---|'
  footprint_row 'nodeproof-agent, confidential node' "agent-$good" 6
  footprint_row nodeproof-webhook webhook 10
)
