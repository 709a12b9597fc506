# Cases of measured_boot_test: what nodeproof says of the machines, and of what somebody made of their logs.
# shellcheck shell=bash

# judge NAME LOG CHALLENGE: the verdict on that machine's quote with this log, kept for `outcome` and `detail`.
judge() {
  "$BIN/nodeproof" verify trusted-launch --json --ak-certificate "$RUN/$1/ak.der" --quote "$RUN/$1/quote" \
    --signature "$RUN/$1/signature" --pcrs "$RUN/$1/pcrs.json" --qualifying-data "$3" --event-log "$2" \
    --trust-anchor "$RUN/authority/vtpm-trust-anchors.pem" >"$RUN/verdict"
}
judge_log() { "$BIN/nodeproof" verify event-log --json "$1" --pcrs "$2" >"$RUN/verdict"; }
outcome() { jq -r ".checks[] | select(.check == \"$1\") | .outcome" "$RUN/verdict"; }
detail() { jq -r ".checks[] | select(.check == \"$1\") | .detail" "$RUN/verdict"; }
claim() { jq -r ".claims.$1" "$RUN/verdict"; }

# change_once IN OUT FROM TO: a copy with TO in the place of FROM (both hex), which must stand there once.
change_once() {
  # shellcheck disable=SC2016  # perl's variables
  perl -0777 -e 'my ($from, $to) = map { pack "H*", $_ } @ARGV;
                 binmode STDIN; binmode STDOUT; $_ = <STDIN>;
                 my $places = s/\Q$from\E/$to/g;
                 print; exit($places != 1)' "$3" "$4" <"$1" >"$2"
}

# flipped HEX: the same with another first byte.
flipped() { printf '%02x%s' $((0x${1:0:2} ^ 1)) "${1:2}"; }

# hex_of NAME CONDITION: the digest of the one event in the machine's log that meets the condition.
hex_of() { measured "$1" .digest "$2" | sed 's/^sha256://'; }

case_secure_boot_on_is_verified() {
  booted sb-on
  judge sb-on "$RUN/sb-on/event-log" "$(qualifying_data sb-on)"
  expect replay "$(outcome event-log-replay)" passed
  expect residency "$(outcome ak-residency)" passed
  expect 'Secure Boot' "$(outcome secure-boot) $(claim eventLog.secureBoot) $(claim vm.secureBoot)" 'passed enabled true'
}

# An honest "off": whether that is enough is a policy's business.
case_secure_boot_off_is_told() {
  local name
  for name in sb-off sb-off-altered; do
    booted "$name"
    judge "$name" "$RUN/$name/event-log" "$(qualifying_data "$name")"
    expect replay "$(outcome event-log-replay)" passed
    expect 'Secure Boot' "$(outcome secure-boot) $(claim eventLog.secureBoot) $(claim vm.secureBoot)" 'passed disabled false'
  done
}

case_published_objects_are_verified() {
  local name
  for name in sb-on sb-off sb-off-altered; do
    booted "$name"
    jq -s '{apiVersion: "v1", kind: "List", items: .}' "$(evidence_of "$name")" "$(quote_of "$name")" >"$RUN/objects"
    "$BIN/nodeproof" verify node -f "$RUN/objects" --json --trust-anchor "$RUN/authority/vtpm-trust-anchors.pem" >"$RUN/verdict"
    expect binding "$(outcome evidence-binding)" passed
    expect replay "$(outcome event-log-replay)" passed
  done
}

case_log_explains_the_pcrs() {
  local name
  for name in sb-on sb-off sb-off-altered; do
    booted "$name"
    judge_log "$RUN/$name/event-log" "$RUN/$name/pcrs.json"
    expect differences "$(jq -c .differences "$RUN/verdict")" '[]'
  done
}

case_old_quote_is_refused() {
  booted sb-on
  booted sb-off
  refused judge sb-on "$RUN/sb-on/event-log" "$(qualifying_data sb-off)"
  expect challenge "$(outcome qualifying-data)" failed
  expect signature "$(outcome quote-signature)" passed
}

case_log_of_another_boot_is_refused() {
  booted sb-off
  booted sb-on
  refused judge sb-off "$RUN/sb-on/event-log" "$(qualifying_data sb-off)"
  expect replay "$(outcome event-log-replay)" failed
  expect 'Secure Boot' "$(outcome secure-boot)" not-checked
}

# Held against the PCRs of the genuine boot, PCR 9 alone differs, and the kernel is among its events.
case_altered_kernel_is_told_from_the_genuine() {
  booted sb-off
  booted sb-off-altered
  refused judge_log "$RUN/sb-off-altered/event-log" "$RUN/sb-off/pcrs.json"
  expect PCRs "$(jq -c '[.differences[].pcr]' "$RUN/verdict")" '[9]'
  local kernel
  kernel=$(jq '.log[] | select(.measured == "/boot/vmlinuz") | .event' "$RUN/verdict")
  grep -qw "$kernel" <<<"$(jq -r '.differences[].story' "$RUN/verdict")"
}

# Who boots an altered kernel would rather show the log of the genuine one.
case_hidden_kernel_is_refused() {
  booted sb-off-altered
  change_once "$RUN/sb-off-altered/event-log" "$RUN/hidden.log" \
    "$(file_digest "$RUN/vmlinuz-altered")" "$(file_digest "$BOOT/vmlinuz")"
  refused judge sb-off-altered "$RUN/hidden.log" "$(qualifying_data sb-off-altered)"
  expect replay "$(outcome event-log-replay)" failed
  [[ $(detail event-log-replay) == *'PCR 9 is '* ]]
}

case_altered_digest_is_named() {
  booted sb-on
  local digest
  digest=$(hex_of sb-on '.measured | startswith("kernel_cmdline: ")')
  change_once "$RUN/sb-on/event-log" "$RUN/altered.log" "$digest" "$(flipped "$digest")"
  refused judge_log "$RUN/altered.log" "$RUN/sb-on/pcrs.json"
  expect PCRs "$(jq -c '[.differences[].pcr]' "$RUN/verdict")" '[8]'
  [[ $(detail event-log-replay) == *'EV_IPL kernel_cmdline: /boot/vmlinuz console=ttyS0 panic=-1) is not that of its data'* ]]
}

# The digests, and so the replay, stay what they were: only the words are changed from off to on.
case_claimed_secure_boot_is_refused() {
  booted sb-off
  local name=53006500630075007200650042006f006f007400  # UTF-16 of "SecureBoot"; its value follows
  change_once "$RUN/sb-off/event-log" "$RUN/claimed.log" "${name}00" "${name}01"
  refused judge_log "$RUN/claimed.log" "$RUN/sb-off/pcrs.json"
  expect replay "$(outcome event-log-replay)" passed
  expect 'Secure Boot' "$(outcome secure-boot)" failed
  [[ $(detail secure-boot) == *'the digest of SecureBoot is not that of its data'* ]]
}
