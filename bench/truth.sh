# How long a fact about a node takes to become a label or a refusal, on a real control plane, for bench/run. Sourced.
# shellcheck shell=bash disable=SC2154

truth_rounds=5

seconds_now() { date +%s.%N; }
# passed SINCE: seconds.
passed() { awk -v a="$1" -v b="$(seconds_now)" 'BEGIN { printf "%.2f", b - a }'; }
soon() {  # soon COMMAND...: looks every 20 ms, for a minute and a half
  local deadline=$((SECONDS + 90))
  until "$@"; do
    ((SECONDS < deadline)) || die "waited in vain for: $*"
    sleep 0.02
  done
}

# Requests by curl: kubectl takes a quarter of a second to start.
api() {  # api METHOD PATH [JSON]
  curl -sS --cacert "$RUN/pki/ca.crt" --cert "$RUN/pki/admin.crt" --key "$RUN/pki/admin.key" -X "$1" \
    -H 'Content-Type: application/json' ${3:+-d "$3"} "$truth_server$2"
}
is_refused() { grep -q '"code": *403' <<<"$(api POST "/api/v1/namespaces/$workloads/pods/dated/binding?dryRun=All" "$truth_binding")"; }
is_admitted() { ! is_refused; }
labelled() { api GET "/api/v1/nodes/$1" | jq -e --arg key "$attestation_label" --arg want "$2" '.metadata.labels[$key] == $want' >/dev/null; }

# extend_pcr NODE: what somebody with the TPM can do to a running node: TPM2_PCR_Extend of PCR 4.
extend_pcr() {
  local port
  read -r port <"$RUN/node/$1/ports"
  python3 - "$port" <<'PYTHON'
import socket, struct, sys
body = struct.pack(">II", 4, 9) + struct.pack(">IHBH", 0x40000009, 0, 0, 0) + struct.pack(">IH", 1, 0x000B) + b"\x5a" * 32
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as tpm:
    tpm.sendall(struct.pack(">HII", 0x8002, 10 + len(body), 0x182) + body)
    answer = tpm.recv(64)
sys.exit(struct.unpack(">I", answer[6:10])[0])
PYTHON
}

# A boot that has been proven, with the agent running.
proven_anew() {
  reboot "$good"
  soon is_admitted
  soon labelled "$good" verified
}

time_agent_start() {
  local began
  stop_agent "$good"
  stop_vtpm "$good"
  report_new_boot "$good"
  start_vtpm "$good"
  soon labelled "$good" pending
  began=$(seconds_now)
  start_agent "$good"
  soon labelled "$good" verified
  passed "$began"
}

time_pcr_tamper() {
  local began
  proven_anew
  began=$(seconds_now)
  extend_pcr "$good" || die "the TPM refused TPM2_PCR_Extend"
  soon is_refused
  passed "$began"
}

time_reboot() {
  local began
  proven_anew
  began=$(seconds_now)
  report_new_boot "$good"
  soon is_refused
  passed "$began"
}

# Beyond the age that the policy allows: of the last quote, whose epoch began at verifiedAt.
time_silence() {
  local last
  proven_anew
  stop_agent "$good"
  last=$(kube get nodequote "$good" -o 'jsonpath={.spec.epoch}')
  soon is_refused
  passed "$((last * ${epoch_length%s} + max_age))"
}

# truth_standby: a second replica, which can only lead.
truth_standby() {
  local port health
  { read -r port && read -r health; } < <(free_ports 2)
  sed -e "s,^listen: .*,listen: 127.0.0.1:$port," -e "s,^healthListen: .*,healthListen: 127.0.0.1:$health," \
    -e 's,^identity: .*,identity: standby,' "$RUN/etc/webhook.yaml" >"$RUN/etc/standby.yaml"
  spawn "$RUN" standby "$BIN/nodeproof-webhook" --config "$RUN/etc/standby.yaml"
  wait_served "$RUN" standby 60 curl -fs -o /dev/null "http://127.0.0.1:$health/readyz"
}

testbed_leads() { [[ $(kube -n "$system" get lease nodeproof-webhook -o 'jsonpath={.spec.holderIdentity}') == testbed ]]; }

time_leader_killed() {
  local began
  proven_anew
  soon testbed_leads
  truth_standby
  signal_process "$RUN" webhook KILL
  began=$(seconds_now)
  kube_as_webhook label node "$good" "$attestation_label=failed" --overwrite >/dev/null
  soon labelled "$good" verified
  passed "$began"
  start_webhook
  end_process "$RUN" standby
}

# truth_row WHAT GOAL FUNCTION [ROUNDS]: median, lowest and highest.
truth_row() {
  local times=() i
  say "measuring: $1"
  for ((i = 0; i < ${4:-$truth_rounds}; i++)); do times+=("$("$3")"); done
  mapfile -t times < <(printf '%s\n' "${times[@]}" | sort -n)
  echo "| $1 | ${times[$((${#times[@]} / 2))]} | ${times[0]} to ${times[-1]} | $2 | $(awk -v a="${times[$((${#times[@]} / 2))]}" -v b="$2" \
    'BEGIN { print (a <= b ? "yes" : "no") }') |"
}

# In a shell of its own, with which the test bed ends.
run_truth() (
  start_testbed
  say "measuring: three nodes, epochs of $epoch_length, a refresh every $refresh, maxEvidenceAge ${max_age}s"
  create_unscheduled_pod dated >&2
  truth_server=$(api_server)
  truth_binding=$(binding dated "$good")
  echo "## Time to truth: epochs of $epoch_length, a refresh every $refresh, maxEvidenceAge ${max_age}s"
  echo
  echo '| From, to | Median, s | Lowest to highest, s | Goal, s | Met |'
  echo '|---|---:|---:|---:|---|'
  truth_row 'agent starts, label verified' 2 time_agent_start
  truth_row 'PCR changed, first refusal' $((${refresh%s} + 1)) time_pcr_tamper
  truth_row 'reboot in Node status, refusal' 1 time_reboot
  truth_row 'end of maxEvidenceAge, refusal of a silent node' 1 time_silence 3
  truth_row 'leader killed, labels right again' 20 time_leader_killed 3
)
