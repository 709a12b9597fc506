# A real node: containerd, runc, kubelet, kube-proxy and a bridge for its pods. Sourced by real_pods_test, in
# namespaces of its own.
#
#   RUN         the folder of this run
#   CONTAINERS  what container-files printed
# shellcheck shell=bash disable=SC2154

node=real-1
export NODE_ADDRESS=192.168.77.2
socket=/run/containerd/containerd.sock

# isolate: what is otherwise the machine's: its interfaces, /run, and the identity of the machine. The interface
# is one end of a cable that leads nowhere: a route must exist for a Service's address, before it is rewritten.
isolate() {
  ip link set lo up
  ip link add node0 type veth peer name nowhere
  ip addr add "$NODE_ADDRESS/24" dev node0
  ip link set nowhere up
  ip link set node0 up
  ip route add default via 192.168.77.1
  mount --make-rshared /
  mount -t tmpfs -o mode=755 tmpfs /run
  # Where firmware tells of no UUID, this is the systemUUID that a kubelet reports. There need be no such file.
  cp -a /etc /run/etc
  mount --bind /run/etc /etc
  new_uuid >/etc/machine-id
}

# take_down: ends it all, so that the folder of the run can be removed: pods have mounts in it.
take_down() {
  end_all "$RUN"
  awk -v run="$RUN/" 'index($2, run) == 1 {print $2}' /proc/mounts | sort -r | xargs -r umount --lazy
}

ctr() { "$CONTAINERS/bin/ctr" --address "$socket" --namespace k8s.io "$@"; }

start_containerd() {
  mkdir -p "$RUN/cni"
  cat >"$RUN/cni/10-bridge.conflist" <<JSON
{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "pods0", "isGateway": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "10.85.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
  # Native snapshots work on any file system. Lowering a score of the OOM killer takes a capability that a
  # container may lack.
  cat >"$RUN/containerd.toml" <<TOML
version = 2
root = "$RUN/containerd"
state = "/run/containerd"
[grpc]
  address = "$socket"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "$sandbox_image"
  stream_server_address = "127.0.0.1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "$CONTAINERS/cni"
    conf_dir = "$RUN/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "$CONTAINERS/bin/runc"
TOML
  spawn "$RUN" containerd env PATH="$CONTAINERS/bin:$PATH" "$CONTAINERS/bin/containerd" --config "$RUN/containerd.toml"
  wait_served "$RUN" containerd 60 containerd_ready
}

containerd_ready() { ctr version >/dev/null 2>&1; }

# component_kubeconfig NAME USER [GROUP]: RUN/NAME.kubeconfig
component_kubeconfig() {
  make_certificate "$RUN/pki/ca" "$RUN/pki/$1" "${3:+/O=$3}/CN=$2" clientAuth
  sed "s,/admin\\.,/$1.,g" "$RUN/admin.kubeconfig" >"$RUN/$1.kubeconfig"
}

start_kubelet() {
  component_kubeconfig kubelet "system:node:$node" system:nodes
  mkdir -p "$RUN/pod-logs" "$RUN/manifests"
  cat >"$RUN/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $NODE_ADDRESS
containerRuntimeEndpoint: unix://$socket
podLogsDir: $RUN/pod-logs
cgroupDriver: cgroupfs
# What a container of a test machine cannot give to another: its own tree of cgroups, by version 2 or at all.
cgroupsPerQOS: false
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
authentication: {anonymous: {enabled: false}, webhook: {enabled: false}, x509: {clientCAFile: $RUN/pki/ca.crt}}
authorization: {mode: AlwaysAllow}
# A test machine's disk may be fuller than a node's should be.
evictionHard: {memory.available: 50Mi, nodefs.available: "0%", nodefs.inodesFree: "0%", imagefs.available: "0%"}
imageGCHighThresholdPercent: 100
serializeImagePulls: false
# How soon a changed Secret is in its pods. A minute by default.
syncFrequency: 10s
YAML
  spawn "$RUN" kubelet "$(tool kubelet)" --config "$RUN/kubelet.yaml" --kubeconfig "$RUN/kubelet.kubeconfig" \
    --root-dir "$RUN/kubelet" --cert-dir "$RUN/kubelet-pki" --hostname-override "$node" --node-ip "$NODE_ADDRESS"
  wait_served "$RUN" kubelet 120 node_ready
}

node_ready() {
  kube get node "$node" -o json 2>/dev/null |
    jq -e 'any(.status.conditions[]; .type == "Ready" and .status == "True") and (.spec.taints | not)' >/dev/null
}

start_kube_proxy() {
  component_kubeconfig kube-proxy system:kube-proxy
  spawn "$RUN" kube-proxy "$(tool kube-proxy)" --kubeconfig "$RUN/kube-proxy.kubeconfig" --hostname-override "$node" \
    --proxy-mode iptables --cluster-cidr 10.85.0.0/24 --conntrack-max-per-core 0 --conntrack-tcp-timeout-established 0 \
    --conntrack-tcp-timeout-close-wait 0
}
