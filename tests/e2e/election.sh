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
  wait_served "$RUN" "$name" 60 curl -fs --max-time 10 -o /dev/null "http://127.0.0.1:$health/readyz"
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
  wait_until 60 "the label to come back" has_label "$trusted" verified
  wait_until 30 "the epochs to go on" epoch_is_past "$epoch"
}

# lead_elsewhere: the replica that the API server asks hands the lead over, if it holds it.
lead_elsewhere() {
  leads testbed || return 0
  stop_webhook
  wait_until 10 "the lead to pass on from a leader that stops" leads_not testbed
  start_webhook
}

# watch_values NAME KIND OBJECT JSONPATH: keeps every value of it from now on, until seen_only.
watch_values() {
  echo "$2 $3" >"$RUN/$1.watched"
  : >"$RUN/log/$1.log"
  spawn "$RUN" "$1" env KUBECACHEDIR="$RUN/kube-cache" "$(tool kubectl)" --kubeconfig "$RUN/admin.kubeconfig" get -w "$2" "$3" -o "jsonpath=$4{\"\n\"}"
  wait_served "$RUN" "$1" 30 shows_more "$1" 0
}
# watch_labels NAME NODE KEY...: their values, in a line.
watch_labels() {
  local name=$1 node=$2 key path=
  shift 2
  for key; do path+="${path:+ }{.metadata.labels.${key//./\\.}}"; done
  watch_values "$name" node "$node" "$path"
}
watch_good_labels() { watch_labels "$1" "$good" "$attestation_label" "$(policy_label confidential)"; }
shows_more() { (($(wc -l <"$RUN/log/$1.log") > $2)); }
# seen_only NAME PATTERN: nothing was ever shown that does not match it as a whole. The watch tells of one more change
# first: it saw all that came before. (Of results there is one every half of the shortest maxEvidenceAge.)
seen_only() {
  local kind node shown others
  read -r kind node <"$RUN/$1.watched"
  shown=$(wc -l <"$RUN/log/$1.log")
  if [[ $kind == node ]]; then kube annotate node "$node" "e2e=$1-$shown" --overwrite >/dev/null; fi
  wait_served "$RUN" "$1" 60 shows_more "$1" "$shown" || return 1
  end_process "$RUN" "$1"
  # Of a line that was being written then, the rest is missing.
  others=$(head -n "$(wc -l <"$RUN/log/$1.log")" "$RUN/log/$1.log" | grep -vxE "$2") || return 0
  say "$1 showed $(sort -u <<<"$others"), in: $(uniq "$RUN/log/$1.log" | tr '\n' ' ')"
  return 1
}

# keep_asking POD: whether the pod may be placed, over and over, in a process of its own.
keep_asking() {
  local pod=$1
  while sleep 0.5; do
    if bind "$pod" "$good" '?dryRun=All' >/dev/null 2>"$RUN/asked.error"; then
      echo admitted >>"$RUN/admitted"
    else
      tr '\n' ' ' <"$RUN/asked.error" >>"$RUN/refused"
    fi
  done
}

hang() { signal_process "$RUN" "$1" STOP; }
resume() { signal_process "$RUN" "$1" CONT; }
cut_off() { signal_process "$RUN" "relay-$1" STOP; }
connect_again() {
  signal_process "$RUN" "relay-$1" KILL
  start_relay "$1"
}
kill_replica() { signal_process "$RUN" "$1" KILL; }

# lead_passes_on POD WHAT STRIKE [UNDO]: another leads once the leader was struck, and goes on leading when that was undone. The
# replica that the API server asks follows, and places the pod all along, while nobody leads, too.
lead_passes_on() {
  local struck asking
  lead_elsewhere
  # It has written something then, which tells it from the next one.
  leader_works
  struck=$(leader)
  rm -f "$RUN/refused"
  keep_asking "$1" &
  asking=$!
  # shellcheck disable=SC2064  # by its id of now
  trap "kill $asking" EXIT
  "$3" "$struck"
  : >"$RUN/admitted"
  # A lease ends after fifteen seconds, which followers notice within four more: twice the lease is another leader too late.
  wait_until 30 "the lead to pass on from a leader that $2" leads_not "$struck"
  [[ -s $RUN/admitted ]]
  if (($# > 3)); then "$4" "$struck"; fi
  leader_works
  leads_not "$struck"
  trap - EXIT
  kill "$asking"
  wait "$asking" || true
  [[ ! -s $RUN/refused ]]
}

# Writes of results and labels by replica, in the order in which the API server had them: a line for each
# stretch of one. Tokens tell replicas apart.
stretches_of_writers() {
  jq -rR --arg since "$1" 'fromjson? | select(.requestReceivedTimestamp > $since and (.objectRef.resource == "nodes" or .objectRef.resource == "nodeattestations"))
      | select(.verb | IN("create", "update", "patch"))
      | select(.user.username | startswith("system:serviceaccount"))
      | "\(.requestReceivedTimestamp) \(.user.extra["authentication.kubernetes.io/credential-id"][0])"' "$RUN/log/audit.log" |
    sort | cut -d' ' -f2 | uniq
}

case_leaders_come_and_go() {
  local since before
  create_unscheduled_pod led
  wait_until 60 "the replica to lead" leads testbed
  since=$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)
  before=$(transitions)
  start_replica second
  start_replica third
  leads testbed
  watch_good_labels labels-seen
  watch_values phases-seen nodeattestation "$good" '{.status.phase}'

  lead_passes_on led "hangs for longer than its lease" hang resume
  lead_passes_on led "is cut off from the API server" cut_off connect_again
  lead_passes_on led "dies" kill_replica
  bind led "$good"

  seen_only labels-seen 'verified met'
  seen_only phases-seen Verified
  stretches_of_writers "$since" >"$RUN/writers"
  # Each change of the lead starts a stretch, and nothing else does.
  (($(wc -l <"$RUN/writers") <= $(transitions) - before + 1)) || {
    say "$(transitions) changes of the lead since $before, and these writers: $(tr '\n' ' ' <"$RUN/writers")"
    return 1
  }
  # The one that is struck first, and three times another than was struck.
  (($(wc -l <"$RUN/writers") >= 4))
  end_process "$RUN" second third relay-second relay-third
  wait_until 60 "the lead to come back" leads testbed
}
