# What a machine left, taken apart and computed anew by other programs than ours. Sourced, never run.
# shellcheck shell=bash

objects=apis/nodeproof.dev/v1alpha1
evidence_of() { echo "$RUN/$1/$objects/nodeevidences/measured"; }
quote_of() { echo "$RUN/$1/$objects/nodequotes/measured"; }

# booted NAME: that machine published evidence and a quote; shows the end of its console otherwise.
booted() {
  [[ -s $(evidence_of "$1") && -s $(quote_of "$1") ]] && return
  echo "machine $1 published nothing; the end of its console ($RUN/log/$1.log):"
  tail -n 15 "$RUN/log/$1.log"
  return 1
}

# expect WHAT ACTUAL EXPECTED
expect() {
  [[ $2 == "$3" ]] && return
  printf '%s\n  is       %s\n  expected %s\n' "$1" "$2" "$3"
  return 1
}

# refused COMMAND...: succeeds when the command fails (bash lets a case go on after `! command`).
refused() {
  if "$@"; then
    echo "this should have failed: $*"
    return 1
  fi
}

file_digest() { sha256sum "$1" | cut -d' ' -f1; }

# hashed LABEL: SHA-256 over the label, a zero byte and the fields of standard input, each after its length:
# lines `text T`, `hex H`, `u64 N`, `file F`.
hashed() {
  perl -e 'binmode STDOUT; print shift, "\0";
           while (<STDIN>) {
             chomp; my ($kind, $value) = split / /, $_, 2;
             if ($kind eq "hex") { $value = pack "H*", $value }
             elsif ($kind eq "u64") { $value = pack "Q>", $value }
             elsif ($kind eq "file") { open my $file, "<:raw", $value or die "$value: $!"; local $/; $value = <$file> // "" }
             print pack "N/a*", $value
           }' "$1" | sha256sum | cut -d' ' -f1
}

# The digests that tie evidence and quote together, from what the machine was given and its kernel's log.
evidence_digest() {
  local spec
  spec=$(jq -r '.spec | "text \(.platform)", "text \(.nodeUID)", "text \(.bootID)", "text \(.kid)", "u64 \(.epoch)"' "$(evidence_of "$1")")
  printf '%s\nhex \nfile %s\n' "$spec" "$RUN/$1/event-log" | hashed nodeproof/evidence/v1
}
qualifying_data() {
  {
    jq -r '.data | "text \(.kid)", "hex \(.nonce)"' "$RUN/$1/epoch"
    jq -r '"text \(.metadata.uid)"' "$RUN/$1/node"
    jq -r '"text \(.spec.bootID)"' "$(quote_of "$1")"
    echo "hex $(evidence_digest "$1")"
  } | hashed nodeproof/quote/v1
}

# take_apart NAME: the quote, its signature and PCRs, and the AK certificate as files, for the verify verbs, where the
# machine published any.
take_apart() {
  [[ -s $(quote_of "$1") ]] || return 0
  jq -r .spec.attest "$(quote_of "$1")" | base64 -d >"$RUN/$1/quote"
  jq -r .spec.signature "$(quote_of "$1")" | base64 -d >"$RUN/$1/signature"
  jq .spec.pcrs "$(quote_of "$1")" >"$RUN/$1/pcrs.json"
  jq -r .spec.akCertificate "$(evidence_of "$1")" | base64 -d >"$RUN/$1/ak.der"
}

# measured NAME FIELD JQ-CONDITION: that field of the events in the machine's log that meet the condition.
measured() {
  "$BIN/nodeproof" inspect --json "$RUN/$1/event-log" | jq -r ".fields.log[] | select($3) | $2"
}
