# Who leads, and that no more than one writes, whatever becomes of the leader. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

# start_replica NAME: one more, with a token of its own, which reaches the API server through a relay of its own. The API
# server does not ask it: it can only lead.
start_replica() {
  local name=$1 port health relay
  { read -r port && read -r health && read -r relay; } < <(free_ports 3)
  kube create token nodeproof-webhook -n "$system" --duration 24h >"$RUN/$name.token"
  echo "$relay" >"$RUN/$name.relay"
  start_relay "$name"
  sed -e "s,^listen: .*,listen: 127.0.0.1:$port," -e "s,^healthListen: .*,healthListen: 127.0.0.1:$health," \
    -e "s,^identity: .*,identity: $name," \
    -e "s,^connection: .*,connection: {server: \"https://127.0.0.1:$relay\"\, caFile: \"$RUN/pki/ca.crt\"\, tokenFile: \"$RUN/$name.token\"}," \
    "$RUN/etc/webhook.yaml" >"$RUN/etc/$name.yaml"
  spawn "$RUN" "$name" "$BIN/nodeproof-webhook" --config "$RUN/etc/$name.yaml"
  wait_served "$RUN" "$name" 60 curl -fs -o /dev/null "http://127.0.0.1:$health/readyz"
}
start_relay() {
  local server
  server=$(api_server)
  spawn "$RUN" "relay-$1" "$project/tests/cluster/relay" "$(<"$RUN/$1.relay")" "${server##*:}"
}

leader() { kube -n "$system" get lease nodeproof-webhook -o 'jsonpath={.spec.holderIdentity}'; }
leads() { [[ $(leader) == "$1" ]]; }
leads_not() { [[ -n $(leader) ]] && ! leads "$1"; }
transitions() { kube -n "$system" get lease nodeproof-webhook -o 'jsonpath={.spec.leaseTransitions}'; }
published_epoch() { kube -n "$system" get configmap nodeproof-epoch -o 'jsonpath={.data.epoch}'; }
epoch_is_past() { (($(published_epoch) > $1)); }

# leader_works: what the leader alone does is done: epochs go on, and a lost label comes back. (The label of another
# node than the one that is watched.)
leader_works() {
  local epoch
  epoch=$(published_epoch)
  kube_as_webhook label node "$trusted" "$attestation_label-" >/dev/null
  wait_until 30 "the label to come back" has_label "$trusted" verified
  wait_until 10 "the epochs to go on" epoch_is_past "$epoch"
}

# lead_elsewhere: the replica that the API server asks hands the lead over, if it holds it.
lead_elsewhere() {
  leads testbed || return 0
  stop_webhook
  wait_until 10 "the lead to pass on from a leader that stops" leads_not testbed
  start_webhook
}

# watch_values NAME COMMAND...: keeps every value that a kubectl get -w shows, until seen_only.
watch_values() {
  local name=$1
  shift
  : >"$RUN/log/$name.log"
  spawn "$RUN" "$name" env KUBECACHEDIR="$RUN/kube-cache" "$(tool kubectl)" --kubeconfig "$RUN/admin.kubeconfig" get -w "$@"
}
# seen_only NAME VALUE: nothing else was ever shown.
seen_only() {
  end_process "$RUN" "$1"
  [[ $(sort -u "$RUN/log/$1.log") == "$2" ]] || {
    say "$1 showed: $(uniq "$RUN/log/$1.log" | tr '\n' ' ')"
    return 1
  }
}

# keep_asking POD: whether the pod may be placed, over and over, in a process of its own.
keep_asking() {
  local pod=$1
  while sleep 0.5; do
    bind "$pod" "$good" '?dryRun=All' >/dev/null 2>"$RUN/asked.error" || tr '\n' ' ' <"$RUN/asked.error" >>"$RUN/refused"
  done
}

# Writes of results and labels by replica, in the order in which the API server had them: a line for each
# stretch of one. Tokens tell replicas apart.
stretches_of_writers() {
  jq -r --arg since "$1" 'select(.requestReceivedTimestamp > $since and (.objectRef.resource == "nodes" or .objectRef.resource == "nodeattestations"))
      | select(.verb | IN("create", "update", "patch"))
      | select(.user.username | startswith("system:serviceaccount"))
      | "\(.requestReceivedTimestamp) \(.user.extra["authentication.kubernetes.io/credential-id"][0])"' "$RUN/log/audit.log" |
    sort | cut -d' ' -f2 | uniq
}

case_leaders_come_and_go() {
  local since before asking first
  create_unscheduled_pod led
  leads testbed
  since=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)
  before=$(transitions)
  start_replica second
  start_replica third
  leads testbed
  watch_values labels-seen node "$good" -o "jsonpath={.metadata.labels.${attestation_label//./\\.}}{\"\\n\"}"
  watch_values phases-seen nodeattestation "$good" -o 'jsonpath={.status.phase}{"\n"}'
  lead_elsewhere
  leader_works

  rm -f "$RUN/refused"
  keep_asking led &
  asking=$!
  # Stopped for longer than the lease, and resumed.
  first=$(leader)
  signal_process "$RUN" "$first" STOP
  wait_until 20 "the lead to pass on from a leader that hangs" leads_not "$first"
  signal_process "$RUN" "$first" CONT
  leader_works
  leads_not "$first"
  kill "$asking"
  [[ ! -s $RUN/refused ]]
  lead_elsewhere

  keep_asking led &
  asking=$!
  # Cut off from the API server, and back.
  first=$(leader)
  signal_process "$RUN" "relay-$first" STOP
  wait_until 20 "the lead to pass on from a leader that is cut off" leads_not "$first"
  signal_process "$RUN" "relay-$first" KILL
  start_relay "$first"
  leader_works
  leads_not "$first"
  kill "$asking"
  [[ ! -s $RUN/refused ]]
  lead_elsewhere

  keep_asking led &
  asking=$!
  first=$(leader)
  signal_process "$RUN" "$first" KILL
  wait_until 20 "the lead to pass on from a leader that dies" leads_not "$first"
  leader_works
  kill "$asking"
  [[ ! -s $RUN/refused ]]
  bind led "$good"

  seen_only labels-seen verified
  seen_only phases-seen Verified
  stretches_of_writers "$since" >"$RUN/writers"
  # Each change of the lead starts a stretch, and nothing else does.
  (($(wc -l <"$RUN/writers") <= $(transitions) - before + 1)) || {
    say "$(transitions) changes of the lead since $before, and these writers: $(tr '\n' ' ' <"$RUN/writers")"
    return 1
  }
  (($(wc -l <"$RUN/writers") >= 4))
  end_process "$RUN" second third relay-second relay-third
  wait_until 20 "the lead to come back" leads testbed
}
