# Cases of measured_boot_test: what the machines published, held against what was booted.
# shellcheck shell=bash

case_evidence_answers_the_epoch_given() {
  booted sb-on
  expect nonce "$(jq -r .spec.nonce "$(quote_of sb-on)")" "$(jq -r .data.nonce "$RUN/sb-on/epoch")"
  expect nodeUID "$(jq -r .spec.nodeUID "$(quote_of sb-on)")" "$(jq -r .metadata.uid "$RUN/sb-on/node")"
  expect evidenceDigest "$(jq -r .spec.evidenceDigest "$(quote_of sb-on)")" "$(evidence_digest sb-on)"
}

case_evidence_holds_the_log_of_the_kernel() {
  booted sb-on
  jq -r .spec.eventLog "$(evidence_of sb-on)" | base64 -d | gzip -d | cmp - "$RUN/sb-on/event-log"
}

# Hints only, but of a real kernel.
case_efi_facts_are_the_kernels() {
  booted sb-on
  booted sb-off
  expect sb-on "$(jq -c .spec.efi "$(evidence_of sb-on)")" '{"lockdown":"integrity","secureBoot":true,"setupMode":false}'
  expect sb-off "$(jq -c .spec.efi "$(evidence_of sb-off)")" '{"lockdown":"none","secureBoot":false,"setupMode":true}'
}

case_quote_covers_the_pcrs_of_the_kernel() {
  local name pcr
  for name in sb-on sb-off sb-off-altered; do
    booted "$name"
    for pcr in 0 1 2 3 4 5 6 7 8 9 11 12 13 14 15; do
      expect "PCR $pcr of $name" "$(jq -r ".spec.pcrs[\"$pcr\"]" "$(quote_of "$name")")" "$(tr A-F a-f <"$RUN/$name/pcrs/$pcr")"
    done
  done
}

# grub measures each file that it reads, by its bytes.
case_log_names_the_files_booted() {
  booted sb-on
  expect kernel "$(measured sb-on .digest '.measured == "/boot/vmlinuz"')" "sha256:$(file_digest "$BOOT/vmlinuz")"
  expect initramfs "$(measured sb-on .digest '.measured == "/boot/initrd.img"')" "sha256:$(file_digest "$RUN/initrd.img")"
  expect grub.cfg "$(measured sb-on .digest '.pcr == "9" and (.measured | endswith("grub.cfg"))')" \
    "sha256:$(grub_configuration | sha256sum | cut -d' ' -f1)"
}

# Without Secure Boot a kernel that nobody signed boots. Of all that is measured, only its own measurement differs.
case_altered_kernel_is_in_the_log() {
  local name
  for name in sb-off sb-off-altered; do
    booted "$name"
    measured "$name" '"\(.pcr) \(.type) \(.measured) \(.digest)"' true >"$RUN/$name/events"
  done
  expect "what differs" "$(diff "$RUN/sb-off/events" "$RUN/sb-off-altered/events" | grep '^[<>]')" \
    "< 9 EV_IPL /boot/vmlinuz sha256:$(file_digest "$BOOT/vmlinuz")
> 9 EV_IPL /boot/vmlinuz sha256:$(file_digest "$RUN/vmlinuz-altered")"
  expect "PCRs that differ" "$(jq -n --slurpfile one "$(quote_of sb-off)" --slurpfile other "$(quote_of sb-off-altered)" \
    -r '$one[0].spec.pcrs as $a | $other[0].spec.pcrs as $b | $a | keys[] | select($a[.] != $b[.])')" 9
}

case_altered_kernel_does_not_boot_with_secure_boot() {
  booted sb-on
  grep -q 'Linux version' "$RUN/log/sb-on.log"
  grep -q 'bad shim signature' "$RUN/log/sb-on-altered.log"
  refused grep 'Linux version' "$RUN/log/sb-on-altered.log"
  refused booted sb-on-altered
}
