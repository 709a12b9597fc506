# What a Trusted Launch node booted, and how it shows. Sourced by e2e_test. Each case leaves the node
# verified.
# shellcheck shell=bash disable=SC2154

# boot_labels NODE: Trusted Launch, vTPM, Secure Boot, measured boot.
boot_labels() {
  echo "$(label "$1" "$trusted_launch_label") $(label "$1" "$vtpm_label")" \
    "$(label "$1" "$secure_boot_label") $(label "$1" "$measured_boot_label")"
}
has_boot_labels() { [[ $(boot_labels "$1") == "$2" ]]; }

# reboot_well: the node boots as it should, and proves it.
reboot_well() {
  reboot "$trusted"
  wait_until 60 "$trusted to be verified again" has_boot_labels "$trusted" 'verified verified enabled verified'
  wait_until 30 "$trusted to meet the policy again" meets "$trusted" trusted-launch
}

case_trusted_launch_node_proves_itself() {
  has_phase "$trusted" Verified
  has_boot_labels "$trusted" 'verified verified enabled verified'
  has_boot_labels "$good" 'verified verified enabled verified'
  [[ $(label "$trusted" "$tee_label") == none ]]
  [[ $(attestation "$trusted" vmId) == "$(<"$RUN/node/$trusted/vm_id")" ]]
  [[ $(kube get nodeevidence "$trusted" -o 'jsonpath={.spec.efi}') == '{"lockdown":"integrity","secureBoot":true,"setupMode":false}' ]]
  meets "$trusted" trusted-launch
  policy=trusted-launch create_pod web
  wait_until 60 "the scheduler to place the pod" is_bound web
  [[ $(node_of web) == "$trusted" ]]
  policy=trusted-launch refused_for "$bad.*trusted-launch.*no-tpm" create_pod web-by-name "nodeName: $bad"
  # Neither class stands for the other.
  policy=trusted-launch refused_for "$good.*confidential VM" create_pod web-by-name "nodeName: $good"
  refused_for "$trusted.*Trusted Launch VM" create_pod ledger-by-name "nodeName: $trusted"
}

case_secure_boot_off_is_told() {
  policy=trusted-launch create_unscheduled_pod secure
  reboot "$trusted" --secure-boot off
  wait_until 60 "Secure Boot to be told disabled" has_boot_labels "$trusted" 'failed verified disabled verified'
  wait_until 30 "that to be told" has_result "$trusted" secureBoot disabled
  has_phase "$trusted" Verified
  refused_for "$trusted.*secure-boot.*Secure Boot is disabled.*remedy: " bind secure "$trusted"
  reboot_well
  bind secure "$trusted"
}

case_tampered_boot_is_refused() {
  policy=trusted-launch create_unscheduled_pod tampered
  reboot "$trusted" --tamper-boot
  wait_until 60 "$trusted to be failed" has_label "$trusted" failed
  wait_until 30 "that to be told" has_code "$trusted" event-log-replay
  [[ $(label "$trusted" "$measured_boot_label") == mismatch ]]
  [[ $(attestation "$trusted" detail) == *'PCR 4'* ]]
  refused_for "$trusted.*event-log-replay.*PCR 4" bind tampered "$trusted"
  reboot_well
  bind tampered "$trusted"
}

case_missing_log_is_no_log() {
  policy=trusted-launch create_unscheduled_pod unlogged
  reboot "$trusted" --no-event-log
  wait_until 60 "the boot to have no log" has_boot_labels "$trusted" 'unknown verified unknown no-log'
  wait_until 30 "that to be told" has_result "$trusted" secureBoot unknown
  has_phase "$trusted" Verified
  [[ $(kube get nodeevidence "$trusted" -o 'jsonpath={.spec.noEventLog.code}') == no-log ]]
  refused_for "$trusted.*remedy: " bind unlogged "$trusted"
  reboot_well
  bind unlogged "$trusted"
}
