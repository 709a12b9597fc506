# The whole of Nodeproof on a real control plane, for ./demo and the end-to-end test. Sourced, never run.
# Agents and webhook are host processes with the tokens of their service accounts; an agent's is bound
# to the pod that the DaemonSet has on its node, as the kubelet would project it.
#
#   RUN     the folder of this run: objects, logs and process ids
#   TOOLS   the folder of the control plane's programs
#   BIN     the folder of ours; AGENT_BIN and WEBHOOK_BIN, if set, those of an agent and a webhook of another release
# shellcheck shell=bash
# shellcheck disable=SC2034  # variables are for those who source this

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

system=nodeproof-system
attestation_label=nodeproof.node-restriction.kubernetes.io/attestation
tee_label=nodeproof.node-restriction.kubernetes.io/tee
trusted_launch_label=nodeproof.node-restriction.kubernetes.io/trusted-launch
secure_boot_label=nodeproof.node-restriction.kubernetes.io/secure-boot
vtpm_label=nodeproof.node-restriction.kubernetes.io/vtpm
measured_boot_label=nodeproof.node-restriction.kubernetes.io/measured-boot
# Short, so that staleness is a matter of seconds here; a proof outlives a lead that passes on without a word, up to 19 s.
# (30 s, 120 s and 10 m by default.)
epoch_length=2s
refresh=3s
max_age=30
workloads=payments
# A confidential VM, one with Trusted Launch, and one that has no TPM.
good=confidential-1
trusted=trusted-1
bad=ordinary-1

# kubectl would write to the home folder otherwise.
kube() { KUBECACHEDIR=$RUN/kube-cache "$(tool kubectl)" --kubeconfig "$RUN/admin.kubeconfig" "$@"; }

# kube_as USER GROUP ARGUMENT...: as somebody else, authenticated.
kube_as() {
  local user=$1 group=$2
  shift 2
  kube --as "$user" --as-group "$group" --as-group system:authenticated "$@"
}
# kube_as_node NODE ARGUMENT...: as its kubelet.
kube_as_node() {
  local node=$1
  shift
  kube_as "system:node:$node" system:nodes "$@"
}
# As the account of the webhook's replicas.
kube_as_webhook() { kube_as "system:serviceaccount:$system:nodeproof-webhook" system:serviceaccounts "$@"; }

# patch_status_as USER GROUP PATH JSON: a merge patch. kubectl would read the subresource first, which some may not.
patch_status_as() {
  curl -sS --max-time 60 --fail-with-body --cacert "$RUN/pki/ca.crt" --cert "$RUN/pki/admin.crt" --key "$RUN/pki/admin.key" \
    -H "Impersonate-User: $1" -H "Impersonate-Group: $2" -H 'Impersonate-Group: system:authenticated' \
    -X PATCH -H 'Content-Type: application/merge-patch+json' -d "$4" "$(api_server)$3/status"
}

# api_server: its address.
api_server() { kube config view -o jsonpath='{.clusters[0].cluster.server}'; }

# testbed_start: a control plane with Nodeproof on it, three nodes with an agent each, and an enrolled
# namespace.
testbed_start() {
  TOOLS=$TOOLS "$project/tests/cluster/control-plane" start "$RUN" >/dev/null
  make_vtpm_authority
  choose_webhook_address
  install_chart
  add_node "$good"
  add_node "$trusted" trusted-launch
  add_node "$bad"
  start_vtpm "$good"
  start_vtpm "$trusted"
  configure_webhook
  start_webhook
  start_agent "$good"
  start_agent "$trusted"
  start_agent "$bad"
  enrol_workloads
}

# ---- nodes ----------------------------------------------------------------------------------------

new_uuid() { cat /proc/sys/kernel/random/uuid; }

node_resources='{cpu: 8, memory: 32Gi, pods: 100, ephemeral-storage: 100Gi}'

# add_node NAME [CLASS]: a Node as a kubelet would register it, Ready, without a kubelet. CLASS: of its
# emulated VM, confidential unless said otherwise. The variable taints may hold those that it registers with, as JSON.
add_node() {
  local node=$1 dir=$RUN/node/$1 now
  mkdir -p "$dir"
  new_uuid >"$dir/boot_id"
  new_uuid >"$dir/vm_id"
  echo "${2:-confidential}" >"$dir/class"
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  kube_as_node "$node" create -f - >/dev/null <<YAML
apiVersion: v1
kind: Node
metadata:
  name: $node
  labels: {kubernetes.io/hostname: $node, kubernetes.io/os: linux, kubernetes.io/arch: amd64}
spec: {taints: ${taints:-null}}
status:
  capacity: $node_resources
  allocatable: $node_resources
  addresses: [{type: InternalIP, address: 127.0.0.1}, {type: Hostname, address: $node}]
  conditions:
    - {type: Ready, status: "True", reason: KubeletReady, message: emulated, lastHeartbeatTime: "$now", lastTransitionTime: "$now"}
  nodeInfo: {bootID: $(<"$dir/boot_id"), systemUUID: $(<"$dir/vm_id"), machineID: "$(tr -d - <"$dir/vm_id")",
    kernelVersion: emulated, osImage: emulated, containerRuntimeVersion: emulated://0, kubeletVersion: v1.33.0,
    kubeProxyVersion: "", operatingSystem: linux, architecture: amd64}
YAML
  # Admission adds a taint; the controller that would remove it is off, or (with a real node) may be quicker.
  kube patch node "$node" --type merge --patch "{\"spec\": {\"taints\": ${taints:-null}}}" >/dev/null
}

# report_new_boot NODE: what the kubelet would report after a reboot.
report_new_boot() {
  new_uuid >"$RUN/node/$1/boot_id"
  patch_status_as "system:node:$1" system:nodes "/api/v1/nodes/$1" \
    "{\"status\": {\"nodeInfo\": {\"bootID\": \"$(<"$RUN/node/$1/boot_id")\"}}}" >/dev/null
}

# make_vtpm_authority: stand-ins for AMD and Microsoft, who vouch for every emulated node.
make_vtpm_authority() {
  "$BIN/nodeproof-emulator" make-authority --dir "$RUN/authority" >"$RUN/log/authority.log" 2>&1
}

# start_vtpm NODE [FLAG...]: the emulated vTPM of its VM, and THIM of a confidential one, at the same
# addresses at every start, which is a boot.
start_vtpm() {
  local node=$1 dir=$RUN/node/$1 port thim_port
  shift
  [[ -e $dir/ports ]] || free_ports 2 >"$dir/ports"
  { read -r port && read -r thim_port; } <"$dir/ports"
  : >"$RUN/log/vtpm-$node.log"
  spawn "$RUN" "vtpm-$node" "$BIN/nodeproof-emulator" run --authority "$RUN/authority" --state "$dir/vtpm" \
    --class "$(<"$dir/class")" --vm-id "$(<"$dir/vm_id")" --port "$port" --thim-port "$thim_port" "$@"
  wait_served "$RUN" "vtpm-$node" 60 vtpm_ready "$node" "$dir/vtpm.json"
}

vtpm_ready() {  # vtpm_ready NODE FILE: keeps the line that the emulator prints once it serves
  jq -cR 'fromjson? | select(.tcti)' "$RUN/log/vtpm-$1.log" >"$2.new" && [[ -s $2.new ]] && mv "$2.new" "$2"
}

# ---- our programs ---------------------------------------------------------------------------------

# choose_webhook_address: for a webhook outside the cluster, kept in RUN/webhook.url and RUN/webhook.health.
choose_webhook_address() {
  local port health
  { read -r port && read -r health; } < <(free_ports 2)
  echo "https://127.0.0.1:$port/admit" >"$RUN/webhook.url"
  echo "http://127.0.0.1:$health" >"$RUN/webhook.health"
}

# install_chart: what `helm template` renders.
install_chart() {
  kube apply -f "$project/crds" >/dev/null
  kube wait --for condition=Established --timeout 120s -f "$project/crds" >/dev/null
  kube create namespace "$system" >/dev/null
  render_chart >"$RUN/manifests.yaml"
  kube apply -f "$RUN/manifests.yaml" >/dev/null
}

# helm ARGUMENT...: without its remark on the folder of CRDs, and without writing to the home folder.
helm() {
  env HELM_CACHE_HOME="$RUN/helm" HELM_CONFIG_HOME="$RUN/helm" HELM_DATA_HOME="$RUN/helm" "$(tool helm)" "$@" \
    2> >(grep -v 'found symbolic link' >&2)
}

# testbed_values: helm's options for the values of the test bed, in the array `values`.
testbed_values() {
  values=(--set webhook.replicas=0 --set webhook.epochLength=$epoch_length --set agent.refresh=$refresh
    --set "webhook.clientConfig.url=$(<"$RUN/webhook.url")"
    --set webhook.loss.mayEvict=true --set webhook.loss.mayDelete=true
    --set policies.confidential.maxEvidenceAge=${max_age}s --set policies.trustedLaunch.maxEvidenceAge=${max_age}s
    --set-file "webhook.trustAnchors.amd=$RUN/authority/amd-ark.pem"
    --set-file "webhook.trustAnchors.vtpm=$RUN/authority/vtpm-trust-anchors.pem"
    --set-file "webhook.referenceValues=$RUN/authority/reference-values.yaml")
}

# template_chart HELM-ARGUMENT...: with the values of the test bed.
template_chart() {
  local values
  testbed_values
  helm template nodeproof "$project/charts/nodeproof" --no-hooks --namespace "$system" "${values[@]}" "$@"
}

# render_chart [ARGUMENT...]: as for the API server that runs.
render_chart() {
  local version steering=()
  if kube get --raw /apis/admissionregistration.k8s.io/v1 | jq -e 'any(.resources[]; .kind == "MutatingAdmissionPolicy")' >/dev/null; then
    steering=(--api-versions admissionregistration.k8s.io/v1/MutatingAdmissionPolicy)
  fi
  version=$(kube version -o json | jq -r .serverVersion.gitVersion)
  template_chart --kube-version "$version" "${steering[@]}" "$@"
}

# connection TOKEN-FILE: how a program outside the cluster reaches the API server.
connection() {
  echo "connection: {server: \"$(api_server)\", caFile: \"$RUN/pki/ca.crt\", tokenFile: \"$1\"}"
}

# configure_webhook: what the chart configured, in a folder of this machine, with what only a pod has
# replaced.
configure_webhook() {
  local listen file etc=$RUN/etc
  listen=$(<"$RUN/webhook.url")
  listen=${listen#https://}
  kube create token nodeproof-webhook -n "$system" --duration 24h >"$RUN/webhook.token"
  mkdir -p "$etc"
  kube -n "$system" get configmap nodeproof-webhook -o json >"$RUN/webhook-configmap.json"
  for file in $(jq -r '.data | keys[]' "$RUN/webhook-configmap.json"); do
    jq -j --arg file "$file" '.data[$file]' "$RUN/webhook-configmap.json" >"$etc/$file"
  done
  sed -i -e "s,/etc/nodeproof,$etc," \
    -e "s,^listen: .*,listen: ${listen%/admit}," -e "s,^healthListen: .*,$(sed 's,http://,healthListen: ,' "$RUN/webhook.health")," \
    "$etc/webhook.yaml"
  echo "identity: testbed" >>"$etc/webhook.yaml"
  connection "$RUN/webhook.token" >>"$etc/webhook.yaml"
}

# The certificate is its own affair: the API server is told of it a moment after it is ready.
start_webhook() {
  spawn "$RUN" webhook "${WEBHOOK_BIN:-$BIN}/nodeproof-webhook" --config "$RUN/etc/webhook.yaml"
  wait_served "$RUN" webhook 60 webhook_ready
  wait_until 60 "the API server to be told of the webhook's certificate" knows_webhook
}

# The caBundle of our configuration, PEM.
trusted_authorities() {
  kube get validatingwebhookconfiguration nodeproof -o json | jq -r '.webhooks[0].clientConfig.caBundle // "" | @base64d'
}
# As the API server does: by the authorities that it was told of.
knows_webhook() {
  trusted_authorities >"$RUN/webhook-ca.crt"
  curl -s --max-time 10 -o /dev/null --cacert "$RUN/webhook-ca.crt" "$(<"$RUN/webhook.url")"
}

webhook_ready() { curl -fs --max-time 10 -o /dev/null "$(<"$RUN/webhook.health")/readyz"; }

# agent_pod NODE: the DaemonSet's pod there, bound by the real scheduler.
agent_pod() {
  kube -n "$system" get pods -l app.kubernetes.io/component=agent --field-selector "spec.nodeName=$1" \
    -o jsonpath='{.items[*].metadata.name}'
}

has_agent_pod() { [[ -n $(agent_pod "$1") ]]; }

# agent_token NODE: a token of the agent's account that names the node.
agent_token() {
  wait_until 60 "the agent's pod to be bound to $1" has_agent_pod "$1"
  kube create token nodeproof-agent -n "$system" --duration 24h \
    --bound-object-kind Pod --bound-object-name "$(agent_pod "$1")"
}

# start_agent NODE: its metrics at the port in the node's file metrics.port, or else at any.
start_agent() {
  local node=$1 dir=$RUN/node/$1 tcti=device:/dev/no-tpm-here thim=http://127.0.0.1:9 sys=$RUN/no-sys-here
  if [[ -e $dir/vtpm.json ]]; then
    tcti=$(jq -r .tcti "$dir/vtpm.json")
    thim=$(jq -r --arg none "$thim" '.thim // $none' "$dir/vtpm.json")
    sys=$(jq -r .sys "$dir/vtpm.json")
  fi
  [[ -e $dir/agent.token ]] || agent_token "$node" >"$dir/agent.token"
  cat >"$dir/agent.yaml" <<YAML
namespace: $system
tcti: "$tcti"
thim: "$thim"
refresh: $refresh
cacheDirectory: "$dir/cache"
bootIdFile: "$dir/boot_id"
eventLogFile: "$sys/kernel/security/tpm0/binary_bios_measurements"
efivarsDirectory: "$sys/firmware/efi/efivars"
lockdownFile: "$sys/kernel/security/lockdown"
metricsListen: 127.0.0.1:$(cat "$dir/metrics.port" 2>/dev/null || echo 0)
$(connection "$dir/agent.token")
YAML
  spawn "$RUN" "agent-$node" "${AGENT_BIN:-$BIN}/nodeproof-agent" --config "$dir/agent.yaml" --node-name "$node"
}

stop_webhook() { end_process "$RUN" webhook; }
stop_agent() { end_process "$RUN" "agent-$1"; }
stop_vtpm() { end_process "$RUN" "vtpm-$1"; }

# reboot NODE [FLAG...]: the agent goes and comes back, the vTPM starts with these flags.
reboot() {
  local node=$1
  shift
  stop_agent "$node"
  stop_vtpm "$node"
  report_new_boot "$node"
  start_vtpm "$node" "$@"
  start_agent "$node"
}

# redeploy NODE: the same VM with a new vTPM and a new boot.
redeploy() {
  stop_agent "$1"
  stop_vtpm "$1"
  rm -rf "$RUN/node/$1/vtpm"
  reboot "$1"
}

# ---- what the cluster says ------------------------------------------------------------------------

# attestation NODE FIELD: a field of the status of its NodeAttestation; empty when there is none.
attestation() { kube get nodeattestation "$1" -o "jsonpath={.status.$2}" 2>/dev/null || true; }

# has_result NODE FIELD VALUE. Results are written after the labels that go with them.
has_result() { [[ $(attestation "$1" "$2") == "$3" ]]; }
has_phase() { has_result "$1" phase "$2"; }
has_code() { has_result "$1" code "$2"; }

# label NODE KEY
label() { kube get node "$1" -o json | jq -r --arg key "$2" '.metadata.labels[$key] // empty'; }
# meets NODE POLICY: by its label, which steers sensitive pods there.
policy_label() { echo "policy.nodeproof.node-restriction.kubernetes.io/$1"; }
meets() { [[ $(label "$1" "$(policy_label "$2")") == met ]]; }
meets_not() { ! meets "$@"; }
# has_label NODE VALUE: its attestation label.
has_label() { [[ $(label "$1" "$attestation_label") == "$2" ]]; }

node_of() { kube -n "$workloads" get pod "$1" -o 'jsonpath={.spec.nodeName}'; }
is_bound() { [[ -n $(node_of "$1") ]]; }
is_unbound() { [[ -z $(node_of "$1") ]]; }

# ---- what a user does -----------------------------------------------------------------------------

# make_namespace NAME: one in which pods can be made, for they take its default service account.
make_namespace() {
  kube create namespace "$1" >/dev/null
  wait_until 60 "the default service account of $1" has_service_account "$1"
}
has_service_account() { kube -n "$1" get serviceaccount default >/dev/null 2>&1; }

enrol_workloads() {
  make_namespace "$workloads"
  kube label namespace "$workloads" nodeproof.dev/enforce=annotated-pods >/dev/null
}

# pod NAME [SPEC-FIELD]: the manifest of a sensitive pod. The variable policy names another policy than
# confidential; annotations and selector override what makes the pod sensitive, and what steers it.
pod() {
  local policy=${policy:-confidential}
  cat <<YAML
apiVersion: v1
kind: Pod
metadata:
  name: $1
  namespace: $workloads
  annotations: {${annotations-nodeproof.dev/policy: $policy}}
spec:
  nodeSelector: {${selector-$(policy_label "$policy"): met}}
  containers: [{name: main, image: example.invalid/ledger}]
YAML
  if (($# > 1)); then echo "  $2"; fi
}

create_pod() { pod "$@" | kube create -f - ; }

# A pod that the scheduler leaves alone, to be bound by hand.
create_unscheduled_pod() { create_pod "$1" 'schedulerName: by-hand'; }

# binding POD NODE: a Binding that names the pod by its UID, as the scheduler sends it.
binding() {
  cat <<JSON
{"apiVersion": "v1", "kind": "Binding",
 "metadata": {"name": "$1", "namespace": "$workloads", "uid": "$(kube -n "$workloads" get pod "$1" -o 'jsonpath={.metadata.uid}')"},
 "target": {"apiVersion": "v1", "kind": "Node", "name": "$2"}}
JSON
}

# bind POD NODE [QUERY]: by hand, through the subresource that the scheduler uses.
bind() { binding "$1" "$2" | kube create --raw "/api/v1/namespaces/$workloads/pods/$1/binding${3:-}" -f -; }
# bind_legacy POD NODE: through the old collection.
bind_legacy() { binding "$1" "$2" | kube create --raw "/api/v1/namespaces/$workloads/bindings" -f -; }
# would_admit POD NODE, would_refuse_for PATTERN POD NODE: ask without doing it.
would_admit() { bind "$1" "$2" '?dryRun=All' >/dev/null 2>&1; }

# refused COMMAND...: prints the sentence with which the API server refused it; fails when it did not.
refused() {
  local answer
  if answer=$("$@" 2>&1); then
    say "expected a refusal, but it was accepted: $answer"
    return 1
  fi
  printf '%s\n' "$answer"
}

# refused_for PATTERN COMMAND...: refused, in words that match the extended regular expression.
refused_for() {
  local pattern=$1 answer
  shift
  answer=$(refused "$@") || return 1
  printf '%s\n' "$answer"
  expect_match "the refusal" "$pattern" "$answer"
}

# expect_match WHAT PATTERN TEXT: the text matches the extended regular expression; says so when not.
expect_match() {
  [[ $3 =~ $2 ]] || {
    say "$1 was expected to match: $2"
    return 1
  }
}

would_refuse_for() { refused_for "$1" bind "$2" "$3" '?dryRun=All' >/dev/null 2>&1; }
