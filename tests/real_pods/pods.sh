# What is shown of our images in pods. Sourced by real_pods_test.
# shellcheck shell=bash disable=SC2154

sandbox_image=localhost/pause:1

# ---- images and installation ----------------------------------------------------------------------

buildah() { env CONTAINERS_STORAGE_CONF="$RUN/storage.conf" BUILDAH_ISOLATION=chroot buildah --log-level error "$@"; }

# image_name ARCHIVE: as it was tagged.
image_name() { tar -xOf "$1" index.json | jq -r '.manifests[0].annotations["org.opencontainers.image.ref.name"]'; }

# commit_image CONTAINER NAME ARCHIVE
commit_image() {
  buildah commit --quiet --rm "$1" "$2"
  buildah push --quiet "$2" "oci-archive:$3:$2"
}

# make_images: in RUN/images those that the node will have: ours, and one for sandboxes and workloads. The agent's
# gets the TCTI of software TPMs, which no real node needs.
make_images() {
  local container tcti
  cat >"$RUN/storage.conf" <<TOML
[storage]
driver = "vfs"
graphroot = "$RUN/storage"
runroot = "$RUN/storage-run"
TOML
  mkdir -p "$RUN/images"
  cp "$IMAGES"/{webhook,cli}.tar "$RUN/images"
  tcti=$(ldconfig -p | awk '/libtss2-tcti-swtpm.so.0/ {path = $NF} END {print path}')
  container=$(buildah from --pull-never "oci-archive:$IMAGES/agent.tar")
  buildah copy --quiet "$container" "$(realpath "$tcti")" "/usr$(dirname "${tcti#/usr}")/libtss2-tcti-swtpm.so.0"
  commit_image "$container" "$(image_name "$IMAGES/agent.tar")" "$RUN/images/agent.tar"
  container=$(buildah from scratch)
  buildah copy --quiet "$container" "$CONTAINERS/bin/busybox" /bin/busybox
  buildah config --entrypoint '["/bin/busybox", "sleep", "inf"]' "$container"
  commit_image "$container" "$sandbox_image" "$RUN/images/pause.tar"
}

import_images() {
  local archive
  for archive in "$RUN"/images/*.tar; do ctr images import --snapshotter native "$archive"; done
}

# start_emulated_vtpm: the confidential VM that this machine plays: its id is what the kubelet reports, its firmware's
# event log and variables lie where a kernel would show them, and pods reach THIM where Azure has it.
start_emulated_vtpm() {
  local state=$RUN/node/$node sys port thim_port
  mkdir -p "$state"
  kube get node "$node" -o 'jsonpath={.status.nodeInfo.systemUUID}' | tr '[:upper:]' '[:lower:]' >"$state/vm_id"
  echo confidential >"$state/class"
  make_vtpm_authority
  start_vtpm "$node"
  sys=$(jq -r .sys "$state/vtpm.json")
  mount --bind "$sys/kernel/security" /sys/kernel/security
  mount --bind "$sys/firmware" /sys/firmware
  { read -r port && read -r thim_port; } <"$state/ports"
  echo 1 >/proc/sys/net/ipv4/conf/all/route_localnet
  redirect 169.254.169.254 80 "127.0.0.1:$thim_port"
  redirect "$NODE_ADDRESS" "$port:$((port + 1))" 127.0.0.1
}

# redirect ADDRESS PORTS TO: what pods send there.
redirect() { iptables -t nat -A PREROUTING -d "$1" -p tcp --dport "$2" -j DNAT --to-destination "$3"; }

# write_post_renderer: helm's post-renderer; the vTPM is the only thing that a real node would have elsewhere.
write_post_renderer() {
  local tcti
  tcti=$(jq -r .tcti "$RUN/node/$node/vtpm.json" | sed "s/127\.0\.0\.1/$NODE_ADDRESS/")
  cat >"$RUN/with-vtpm" <<SCRIPT
#!/bin/sh
sed 's|tcti: device:/dev/tpmrm0|tcti: "$tcti"|'
SCRIPT
  chmod +x "$RUN/with-vtpm"
}

# install_release: by the commands of the chart's README, nothing handed in but the anchors of the emulated node; as
# quick as tests are, and all on the one node that has a kubelet.
install_release() {
  kube create namespace "$system"
  kube label namespace "$system" pod-security.kubernetes.io/enforce=privileged
  write_post_renderer
  release_by_helm install "$project/charts/nodeproof" --wait --timeout 3m --post-renderer "$RUN/with-vtpm" \
    --set "webhook.nodeSelector.kubernetes\\.io/hostname=$node" \
    --set webhook.epochLength=$epoch_length --set agent.refresh=$refresh \
    --set-file "webhook.trustAnchors.amd=$RUN/authority/amd-ark.pem" \
    --set-file "webhook.trustAnchors.vtpm=$RUN/authority/vtpm-trust-anchors.pem" \
    --set-file "webhook.referenceValues=$RUN/authority/reference-values.yaml"
}

# release_by_helm VERB [ARGUMENT...]
release_by_helm() { helm "$1" nodeproof --kubeconfig "$RUN/admin.kubeconfig" --namespace "$system" "${@:2}"; }

# ---- what runs ------------------------------------------------------------------------------------

# processes_of PROGRAM: the ids of the processes that run it, by its path in an image.
processes_of() {
  local exe
  for exe in /proc/[0-9]*/exe; do
    if [[ $(readlink "$exe") == */usr/bin/"$1" ]]; then basename "$(dirname "$exe")"; fi
  done
}

# run_as_many PROGRAM COUNT: so many processes run it.
run_as_many() { [[ $(processes_of "$1" | wc -l) == "$2" ]]; }

# status_of PID FIELD: of /proc/PID/status.
status_of() { awk -v field="$2:" '$1 == field {print $2; exit}' "/proc/$1/status"; }

root_is_read_only() { awk '$5 == "/" {print $6}' "/proc/$1/mountinfo" | grep -E '^ro(,|$)'; }

is_running() { [[ $(kube -n "$workloads" get pod "$1" -o 'jsonpath={.status.phase}') == Running ]]; }

# real_pod NAME [SPEC-FIELD]: pod() with an image that the node has.
real_pod() { pod "$@" | sed "s,example.invalid/ledger,$sandbox_image,"; }

case_webhook_runs_as_restricted() {
  local pid
  run_as_many nodeproof-webhook 2
  for pid in $(processes_of nodeproof-webhook); do
    cat "/proc/$pid/status"
    [[ $(status_of "$pid" Uid) == 65532 && $(status_of "$pid" Gid) == 65532 ]]
    [[ $(status_of "$pid" CapEff) == 0000000000000000 && $(status_of "$pid" CapBnd) == 0000000000000000 ]]
    [[ $(status_of "$pid" NoNewPrivs) == 1 ]]
    [[ $(status_of "$pid" Seccomp) == 2 ]]
    root_is_read_only "$pid"
  done
}

case_agent_runs_with_a_root_that_nobody_writes() {
  local pid
  run_as_many nodeproof-agent 1
  pid=$(processes_of nodeproof-agent)
  [[ $(status_of "$pid" Uid) == 0 ]]
  root_is_read_only "$pid"
}

case_no_container_was_started_twice() {
  kube -n "$system" get pods -o wide
  [[ $(kube -n "$system" get pods -o json | jq '[.items[] | (.status.containerStatuses // [])[].restartCount] | add') == 0 ]]
}

case_node_proves_itself() {
  wait_until 60 "$node to be verified" has_label "$node" verified
  [[ $(label "$node" "$tee_label") == sev-snp ]]
  [[ $(label "$node" "$measured_boot_label") == verified ]]
  wait_until 30 "$node to be one that sensitive pods are steered to" meets "$node" confidential
}

# No certificate was handed in, and no address of a machine is configured anywhere: the API server finds the webhook by
# kube-proxy's rules, and knows it by what the leader told.
case_api_server_asks_through_the_service() {
  kube get validatingwebhookconfigurations -o json >"$RUN/webhooks.json"
  jq -e '[.items[].webhooks[].clientConfig] | length > 0 and all(.service.name == "nodeproof-webhook" and .url == null)' "$RUN/webhooks.json"
  trusted_authorities >"$RUN/webhook-ca.crt"
  kube -n "$system" get secret nodeproof-serving-certificate -o 'jsonpath={.data.tls\.crt}' | base64 -d >"$RUN/webhook.crt"
  openssl verify -CAfile "$RUN/webhook-ca.crt" -verify_hostname "nodeproof-webhook.$system.svc" "$RUN/webhook.crt"
  policy=no-such-policy refused_for 'admission webhook.*no-such-policy' create_pod unknown
}

case_sensitive_pod_runs_on_the_proven_node() {
  real_pod ledger | kube create -f -
  wait_until 60 "the pod to run" is_running ledger
  [[ $(node_of ledger) == "$node" ]]
}

case_sensitive_pod_is_refused_elsewhere() {
  refused_for "denied the request: .*$bad.*confidential" create_pod by-name "nodeName: $bad"
  policy=trusted-launch refused_for "denied the request: .*$node.*trusted-launch" create_pod other-class "nodeName: $node"
}

# The chart's own test, in a pod of the command line's image.
case_helm_test_runs_in_a_pod() {
  release_by_helm test --timeout 2m 2>&1 | tee "$RUN/helm-test"
  grep -E "^ok .*must be refused on node $bad: pod $system-test/gate-check may not be placed" "$RUN/helm-test"
  grep -E "^ok .*must be admitted on node $node: it was admitted" "$RUN/helm-test"
}

# Until there is a replica again, nothing sensitive is bound; then the same pod is.
case_webhook_pods_come_back() {
  create_unscheduled_pod waits
  kube -n "$system" scale deployment nodeproof-webhook --replicas 0
  wait_until 60 "the webhook to be gone" run_as_many nodeproof-webhook 0
  refused_for 'failed calling webhook' bind waits "$node"
  kube -n "$system" scale deployment nodeproof-webhook --replicas 2
  kube -n "$system" rollout status deployment nodeproof-webhook --timeout 3m
  wait_until 60 "the binding to be admitted" would_admit waits "$node"
}

# Helm waits until the pods are gone. What it refused before is then let through, and what ran goes on.
case_uninstall_leaves_nothing_that_blocks() {
  release_by_helm uninstall --wait --timeout 2m
  [[ $(kube get validatingwebhookconfigurations,mutatingwebhookconfigurations -o name) == '' ]]
  wait_until 60 "containers of ours to be gone" run_as_many nodeproof-webhook 0
  wait_until 60 "the agent to be gone" run_as_many nodeproof-agent 0
  wait_until 30 "pods to be let through" create_pod anywhere "nodeName: $bad"
  is_running ledger
}
