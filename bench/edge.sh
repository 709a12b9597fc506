# bench/run edge: what an admission review costs at our edge, against nginx and two webhooks in Go.
# Sourced by bench/run after lib.sh, never run.
# shellcheck shell=bash

edge_rounds=${NODEPROOF_ROUNDS:-5}
edge_seconds=3
server_core=0 load_core=1
edge_cache=${NODEPROOF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nodeproof}

# The package of nginx would start and enable a service, so it is unpacked and not installed.
fetch_nginx() {
  local folder=$project/build/bench/nginx log=$project/build/bench/nginx.log
  nginx=$folder/usr/sbin/nginx
  [[ ! -x $nginx ]] || return 0
  rm -rf "$folder"
  mkdir -p "$folder"
  (cd "$folder" && apt-get -q download nginx && dpkg-deb -x nginx_*.deb .) >"$log" 2>&1 ||
    die "cannot fetch the package nginx; $log says why (run apt-get update when it finds no package)"
  "$nginx" -v 2>>"$log" || die "nginx from its package does not run; $log says why"
}

# The two peers in Go, at the versions of bench/peers/go.mod.
build_peers() {
  local key go
  key=$(cat "$project"/bench/peers/go.* "$project"/bench/peers/*/*.go "$project"/bench/peers/internal/*/*.go | sha256sum | cut -c1-12)
  peers=$edge_cache/peers-$key
  [[ ! -x $peers/typed ]] || return 0
  go=$(find_go)
  [[ -n $go ]] || die "needs Go 1.21 or newer; packages.txt, section go"
  mkdir -p "$peers"
  say "building the webhooks in Go (a minute, once)"
  (cd "$project/bench/peers" && CGO_ENABLED=0 "$go" build -trimpath -o "$peers/" ./minimal ./typed) >&2 ||
    die "cannot build bench/peers; the lines above say why. Modules are fetched as \`go env GOPROXY GOTOOLCHAIN\` say"
}

# Recorded reviews as the API server sends them, in one line. The pod's becomes sensitive and 8 kB long
# by environment variables, the commonest reason for a long pod.
make_reviews() {
  local admission=$NODEPROOF_VECTORS/admission
  [[ -r $admission/pod-create.json ]] ||
    die "there are no recorded reviews in $admission: set NODEPROOF_VECTORS to the folder of recorded evidence"
  mkdir -p "$RUN/review"
  jq -cj 'def grow: if tojson | utf8bytelength < 8192
      then .request.object.spec.containers[0].env += [{name: "SETTING_\(.request.object.spec.containers[0].env | length)", value: "a value of common length"}] | grow
      else . end;
    .request.object.metadata.annotations["nodeproof.dev/policy"] = "confidential" | grow' \
    "$admission/pod-create.json" >"$RUN/review/pod.json"
  jq -cj . "$admission/binding-scheduler.json" >"$RUN/review/binding.json"
  jq -cj '.request.object.target.name = "node-x"' "$admission/binding-scheduler.json" >"$RUN/review/denied.json"
  local review
  for review in pod binding denied; do
    cat >"$RUN/review/$review.lua" <<LUA
wrk.method = "POST"
wrk.body = io.open("$RUN/review/$review.json"):read("*a")
wrk.headers["Content-Type"] = "application/json"
function done(summary, latency)
  local e = summary.errors
  io.write(string.format("result %d %d %d %d %d\n", summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
LUA
  done
}

# ---- the servers, each pinned to one core ---------------------------------------------------------

start_server() {  # start_server NAME COMMAND...
  spawn "$RUN" "$1" taskset -c "$server_core" "${@:2}"
}

# port_of NAME: what a server of ours prints first. Fails until it has.
port_of() { grep -m1 -xE '[0-9]+' "$RUN/log/$1.log"; }

admits() { curl -fsk -o /dev/null -H 'Content-Type: application/json' --data-binary "@$RUN/review/pod.json" "https://127.0.0.1:${port[$1]}/admit"; }

start_nginx() {
  port[nginx]=$1
  cat >"$RUN/nginx.conf" <<CONF
daemon off;
master_process off;
worker_processes 1;
pid $RUN/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  access_log off;
  default_type application/json;
  keepalive_timeout 120s;
  keepalive_requests 1000000000;
  client_max_body_size 3m;
  client_body_temp_path $RUN/nginx-body;
  proxy_temp_path $RUN/nginx-proxy;
  fastcgi_temp_path $RUN/nginx-fastcgi;
  uwsgi_temp_path $RUN/nginx-uwsgi;
  scgi_temp_path $RUN/nginx-scgi;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ecdh_curve X25519;
  ssl_session_cache off;
  ssl_session_tickets off;
  ssl_certificate $RUN/serving.crt;
  ssl_certificate_key $RUN/serving.key;
  server {
    listen 127.0.0.1:${port[nginx]} ssl backlog=1024;
    location / {
      return 200 '{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"af3f50e6-85be-4e12-9ced-1d49f1919e58","allowed":true}}';
    }
  }
}
CONF
  start_server nginx "$nginx" -e stderr -c "$RUN/nginx.conf"
  wait_served "$RUN" nginx 20 admits nginx || die "nginx does not serve"
}

start_peer() {  # start_peer NAME PROGRAM
  start_server "$1" "$peers/$2" --cert "$RUN/serving.crt" --key "$RUN/serving.key"
  wait_served "$RUN" "$1" 20 port_of "$1" >/dev/null || die "$1 does not start"
  port[$1]=$(port_of "$1")
  wait_served "$RUN" "$1" 20 admits "$1" || die "$1 does not serve"
}

# decides REVIEW true|false: our webhook's decision about it.
decides() {
  [[ $(curl -sk -H 'Content-Type: application/json' --data-binary "@$RUN/review/$1.json" \
    "https://127.0.0.1:${port[nodeproof]}/admit" | jq .response.allowed) == "$2" ]]
}

start_webhook() {  # start_webhook PORT HEALTH-PORT
  spawn "$RUN" cluster taskset -c "$load_core" "$bin/edge_cluster" "$RUN" "$RUN/serving.crt" "$RUN/serving.key"
  wait_served "$RUN" cluster 60 port_of cluster >/dev/null || die "the cluster for the webhook does not start"
  port[nodeproof]=$1
  echo token >"$RUN/token"
  cat >"$RUN/webhook.yaml" <<YAML
listen: 127.0.0.1:$1
healthListen: 127.0.0.1:$2
tls: {certFile: $RUN/serving.crt, keyFile: $RUN/serving.key}
trustAnchors: {amd: $RUN/authority/amd-ark.pem, vtpm: $RUN/authority/vtpm-trust-anchors.pem}
referenceValues: $RUN/authority/reference-values.yaml
identity: bench
connection: {server: "https://127.0.0.1:$(port_of cluster)", caFile: $RUN/ca.crt, tokenFile: $RUN/token}
YAML
  start_server nodeproof "$bin/nodeproof-webhook" --config "$RUN/webhook.yaml"
  wait_served "$RUN" nodeproof 30 decides binding true || die "the webhook does not allow a binding to a verified node"
  decides pod true || die "the webhook does not allow the pod"
  decides denied false || die "the webhook does not deny a binding to an unknown node"
}

# ---- measuring ------------------------------------------------------------------------------------

# cpu_ticks NAME: user and system time of all its threads so far.
cpu_ticks() {
  local pid stat fields
  read -r pid _ <"$RUN/process/$1"
  stat=$(<"/proc/$pid/stat")
  read -r -a fields <<<"${stat##*) }"
  echo $((fields[11] + fields[12]))
}

# measure ROUND NAME LOAD CONNECTIONS COMMAND...: a line of "round name load connections requests
# seconds cpu-us p50 p99" in results.tsv. The command prints "result REQUESTS MICROSECONDS P50 P99 ERRORS".
measure() {
  local round=$1 name=$2 load=$3 connections=$4 before after word requests duration p50 p99 errors
  shift 4
  before=$(cpu_ticks "$name")
  read -r word requests duration p50 p99 errors < <(taskset -c "$load_core" "$@" 2>"$RUN/load.err" | grep '^result ') ||
    die "the load for $name failed: $(cat "$RUN/load.err")"
  after=$(cpu_ticks "$name")
  [[ $word == result && $requests -gt 0 ]] || die "no answer from $name"
  ((errors == 0)) || die "$errors of $requests requests to $name ($load, $connections connections) failed"
  local tick_us=$((1000000 / $(getconf CLK_TCK)))
  printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$round" "$name" "$load" "$connections" "$requests" "$duration" \
    $(((after - before) * tick_us)) "$p50" "$p99" >>"$RUN/results.tsv"
}

# keep_alive ROUND NAME REVIEW CONNECTIONS SECONDS
keep_alive() {
  measure "$1" "$2" "$3" "$4" wrk -t1 "-c$4" "-d${5}s" -s "$RUN/review/$3.lua" "https://127.0.0.1:${port[$2]}/admit"
}

# handshakes ROUND NAME CONNECTIONS
handshakes() {
  measure "$1" "$2" handshake "$3" "$bin/edge_handshakes" "${port[$2]}" "$RUN/review/pod.json" "$3" "$edge_seconds"
}

measure_round() {
  local name connections
  for connections in 8 64; do
    for name in nginx nodeproof go-minimal go-typed; do keep_alive "$1" "$name" pod "$connections" "$edge_seconds"; done
  done
  for name in nginx nodeproof go-minimal go-typed; do keep_alive "$1" "$name" binding 8 "$edge_seconds"; done
  keep_alive "$1" nodeproof denied 8 1  # each is a line of log
  for name in nginx nodeproof go-minimal; do handshakes "$1" "$name" 8; done
}

end_edge() {
  end_all "$RUN"
  rm -rf "$RUN"
}

run_edge() {
  local ports round
  (($(nproc) >= 2)) || die "needs two cores: one for the server, one for the load"
  build_preset bench nodeproof-webhook edge_cluster edge_handshakes review_bench
  bin=$project/build/bench/bin
  fetch_nginx
  build_peers
  declare -gA port=()
  RUN=$(mktemp -d)
  trap end_edge EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  end_all_with $$ "$RUN"
  make_authority "$RUN/ca" 'bench authority'
  make_certificate "$RUN/ca" "$RUN/serving" /CN=localhost serverAuth 'DNS:localhost,IP:127.0.0.1'
  make_reviews
  mapfile -t ports < <(free_ports 3)
  say "starting the servers"
  start_nginx "${ports[0]}"
  start_peer go-minimal minimal
  start_peer go-typed typed
  start_webhook "${ports[1]}" "${ports[2]}"
  for ((round = 1; round <= edge_rounds; round++)); do
    say "measuring: edge, round $round of $edge_rounds"
    measure_round "$round"
  done
  end_all "$RUN"
  say "measuring: reading a review"
  taskset -c "$server_core" "$bin/review_bench" --benchmark_out="$RUN/review.json" --benchmark_out_format=json \
    "$RUN/review/pod.json" "$RUN/review/binding.json" >&2 || die "review_bench failed; the lines above say why"
  mkdir -p "$project/build/bench"
  cp "$RUN/results.tsv" "$project/build/bench/edge.tsv"
  cp "$RUN/review.json" "$project/build/bench/review.json"
  python3 "$project/bench/edge_table.py" "$project/build/bench/edge.tsv" "$project/build/bench/review.json"
  echo
  echo '## Reading a review: subject nodeproof, reference simdjson'\''s DOM alone'
  echo
  table "$project/build/bench/review.json"
}
