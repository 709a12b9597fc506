# What fleets of simulated nodes cost at a real API server, for bench/run fleet. Sourced.
# shellcheck shell=bash

fleet_refresh=120          # seconds, as agents do by default
fleet_window=240           # two refreshes of every node
fleet_replicas=(one two)   # of the webhook

# counter FILE METRIC [PATTERN]: the sum of its series whose labels match.
counter() { awk -v name="$2" -v pattern="${3:-.}" 'index($1, name "{") == 1 || $1 == name { if ($1 ~ pattern) n += $NF } END { printf "%.0f", n }' "$1"; }

# note_costs FILE: what has been spent so far.
note_costs() {
  local name pid fields
  kube get --raw /metrics >"$1.api"
  curl -sf "$(<"$RUN/etcd.url")/metrics" >"$1.etcd"
  for name in "${fleet_replicas[@]}"; do
    read -r pid _ <"$RUN/process/webhook-$name"
    read -r -a fields <"/proc/$pid/stat"
    echo $((fields[13] + fields[14])) >"$1.$name" # user and system, in ticks of 10 ms
  done
}

is_leader() { grep -qx 'nodeproof_leader 1' <<<"$(curl -sf "http://127.0.0.1:$(<"$RUN/$1.health")/metrics")"; }
fleet_verified() {
  [[ $(kube get nodes -l nodeproof.node-restriction.kubernetes.io/attestation=verified -o name | wc -l) == "$1" ]]
}

# start_replica NAME: with the production's epoch, on ports of its own.
start_replica() {
  local port health
  { read -r port && read -r health; } < <(free_ports 2)
  echo "$health" >"$RUN/$1.health"
  sed -e "s,^listen: .*,listen: 127.0.0.1:$port," -e "s,^healthListen: .*,healthListen: 127.0.0.1:$health," \
    -e "s,^identity: .*,identity: $1," "$RUN/etc/webhook.yaml" >"$RUN/$1.yaml"
  spawn "$RUN" "webhook-$1" "$BIN/nodeproof-webhook" --config "$RUN/$1.yaml"
  wait_served "$RUN" "webhook-$1" 60 curl -fs -o /dev/null "http://127.0.0.1:$health/readyz"
}

# per_second AFTER BEFORE
per_second() { awk -v a="$1" -v b="$2" -v t="$fleet_window" 'BEGIN { printf "%.1f", (a - b) / t }'; }

fleet_row() {  # fleet_row NODES LABELLED-SECONDS
  local before=$RUN/before after=$RUN/after leader=one follower=two name writes ours bytes line
  if is_leader two; then leader=two follower=one; fi
  note_costs "$before"
  sleep "$fleet_window"
  note_costs "$after"
  writes=$(per_second "$(counter "$after.api" apiserver_request_total 'verb="(POST|PUT|PATCH)"')" "$(counter "$before.api" apiserver_request_total 'verb="(POST|PUT|PATCH)"')")
  ours=$(per_second "$(counter "$after.api" apiserver_request_total 'resource="nodeattestations".*verb="(POST|PUT|PATCH)"')" "$(counter "$before.api" apiserver_request_total 'resource="nodeattestations".*verb="(POST|PUT|PATCH)"')")
  bytes=$(awk -v a="$(counter "$after.etcd" etcd_network_client_grpc_received_bytes_total)" -v b="$(counter "$before.etcd" etcd_network_client_grpc_received_bytes_total)" -v t="$fleet_window" 'BEGIN { printf "%.0f", (a - b) / t / 1000 }')
  line="| $1 | $2 | $writes | $ours | $bytes |"
  for name in "$leader" "$follower"; do
    line+=" $(awk -v a="$(<"$after.$name")" -v b="$(<"$before.$name")" -v t="$fleet_window" 'BEGIN { printf "%.2f", (a - b) / t }') |"
    line+=" $(memory "webhook-$name" RssAnon) |"
  done
  is_leader "$leader" || die "the lead passed on while it was measured"
  echo "$line"
}

# One fleet on a control plane of its own, in a shell of its own for its trap.
measure_fleet() (
  own_run
  epoch_length=30s refresh=${fleet_refresh}s max_age=600
  {
    TOOLS=$TOOLS "$project/tests/cluster/control-plane" start "$RUN"
    make_vtpm_authority
    choose_webhook_address
    install_chart
    configure_webhook
  } >&2
  echo "http://127.0.0.1:$(head -1 "$RUN/ports")" >"$RUN/etcd.url"
  local name port began
  for name in "${fleet_replicas[@]}"; do start_replica "$name" || die "a webhook does not start"; done
  port=$(free_ports 1)
  spawn "$RUN" proxy "$(tool kubectl)" --kubeconfig "$RUN/admin.kubeconfig" proxy --port "$port"
  wait_served "$RUN" proxy 20 curl -fs -o /dev/null "http://127.0.0.1:$port/readyz"
  began=$SECONDS
  spawn "$RUN" fleet "$project/build/bench/bin/fleet" "$1" "$fleet_refresh" "http://127.0.0.1:$port" "$RUN/authority"
  wait_served "$RUN" fleet 1200 grep -qx published "$RUN/log/fleet.log" || die "the fleet does not come up"
  wait_until 1200 "every node to be labelled" fleet_verified "$1" || die "not every node is verified"
  fleet_row "$1" $((SECONDS - began))
  [[ $(kube get nodeattestations -o json | jq '[.items[] | select(.status.phase != "Verified")] | length') == 0 ]] ||
    die "a node lost its proof while it was measured"
)

run_fleet() {
  source "$project/tests/cluster/testbed.sh"
  build_preset bench fleet nodeproof-webhook nodeproof-emulator nodeproof
  TOOLS=$("$project/tests/cluster/build-tools")
  BIN=$project/build/bench/bin
  echo "## Fleets at a real API server: epochs of 30 s, a refresh every $fleet_refresh s, two replicas, over $fleet_window s"
  echo
  echo '| Nodes | All labelled after, s | Writes of all, 1/s | Writes of status, 1/s | To etcd, kB/s | Leader: CPU, % of a core | RssAnon, MB | Follower: CPU, % | RssAnon, MB |'
  echo '|---:|---:|---:|---:|---:|---:|---:|---:|---:|'
  local nodes
  for nodes in ${NODEPROOF_FLEETS:-100 1000 5000}; do
    say "measuring: a fleet of $nodes nodes"
    measure_fleet "$nodes"
  done
}
