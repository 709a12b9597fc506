# What our accounts may do, against what our programs did in this run by the API server's own audit log. Sourced by e2e_test.
# shellcheck shell=bash disable=SC2154

# Rights as lines: ACCOUNT VERB GROUP RESOURCE NAME; `core` for the group without a name, `*` for any object.
granted() {
  kube get clusterroles,roles,clusterrolebindings,rolebindings -A -l app.kubernetes.io/name=nodeproof -o json | jq -r '
    .items as $all | .items[] | select(.kind | endswith("RoleBinding")) | . as $binding
    | .subjects[] | select(.kind == "ServiceAccount") | .name as $account
    | $all[] | select(.kind == $binding.roleRef.kind and .metadata.name == $binding.roleRef.name)
    | .rules[] | . as $rule | .verbs[] as $verb | .apiGroups[] as $group | .resources[] as $resource | ($rule.resourceNames // ["*"])[] as $name
    | "\($account) \($verb) \(if $group == "" then "core" else $group end) \($resource) \($name)"' | sort -u
}

# done_by_us DECISION: requests of our programs that the authorizer allowed or forbade. What the cases do in the name of our
# accounts bears another user agent.
done_by_us() {
  jq -rR --arg decision "$1" --arg accounts "system:serviceaccount:$system:" 'fromjson?
    | select((.user.username | startswith($accounts)) and (.userAgent | startswith("nodeproof-")))
    | select(.annotations["authorization.k8s.io/decision"] == $decision and .objectRef)
    | "\(.user.username | ltrimstr($accounts)) \(.verb) \(.objectRef.apiGroup // "core") \(.objectRef.resource)\(if .objectRef.subresource then "/" + .objectRef.subresource else "" end) \(.objectRef.name // "*")"' \
    "$RUN/log/audit.log" | sort -u
}

# seen LINES RIGHT: whether one of them is covered by the right.
seen() {
  local name=${2##* }
  if [[ $name == '*' ]]; then grep -qF -- "${2% *} " <<<"$1"; else grep -qxF -- "$2" <<<"$1"; fi
}

# Rights that a run need not use, and what they are for.
rarely_used() {
  cat <<'ROWS'
nodeproof-webhook get core pods * | a pod whose binding comes before the watch told of it
nodeproof-webhook update core secrets nodeproof-epoch-key | a new generation of the key, every six hours
nodeproof-agent get nodeproof.dev nodeattestations * | the credential for the AK of a VM without AK certificate, which the emulated VM has
nodeproof-webhook patch admissionregistration.k8s.io mutatingwebhookconfigurations nodeproof | the caBundle where the webhook steers, on older API servers
nodeproof-agent update nodeproof.dev nodeevidences * | evidence of another boot, and anew within twelve hours
ROWS
}
reason_of() { rarely_used | sed -n "s/^$(sed 's/[*./]/\\&/g' <<<"$1") | //p"; }

# Some of what cases before this one make our programs do; alone, this case names the rights that only the others use.
use_rights() {
  create_unscheduled_pod righted
  refused_for no-tpm bind righted "$bad"
  kube create namespace righted
  set_end kube righted "$(ahead '+10 seconds')"
  open_glass kube righted
  wait_until 60 "the leader to end break-glass" is_closed righted
  # The event is written a little later.
  wait_until 30 "the refusal's Event" has_refusal_event righted
}

case_rights_granted_are_rights_used() {
  local used granted right vain unused=0
  use_rights
  used=$(done_by_us allow)
  granted=$(granted)
  printf 'used:\n%s\n\ngranted:\n' "$used"
  while read -r right; do
    if seen "$used" "$right"; then
      say "  $right"
    elif [[ -n $(reason_of "$right") ]]; then
      say "  $right (not in this run: $(reason_of "$right"))"
    else
      say "  $right IS NOT USED: take it away, or say in rarely_used what it is for"
      unused=$((unused + 1))
    fi
  done <<<"$granted"
  ((unused == 0))
  [[ $(wc -l <<<"$granted") -gt 20 ]]
  # Nothing was asked for in vain, and no reason is left over. An API server that has just started forbids what it allows
  # a moment later.
  vain=$(comm -23 <(done_by_us forbid) <(done_by_us allow))
  [[ -z $vain ]] || { say "asked for in vain: $vain"; return 1; }
  while read -r right; do
    grep -qxF -- "$right" <<<"$granted" || { say "rarely_used names what is not granted: $right"; return 1; }
  done < <(rarely_used | sed 's/ | .*//')
}
