#include "cli/cluster_verbs.hpp"

#include <chrono>
#include <iostream>
#include <thread>

#include "base/clock.hpp"

namespace nodeproof::cli {
namespace {

constexpr const char* kExplainFooter =
    R"(Decides as the webhook does, by the same code: what the pod's namespace and annotations ask for, and for each
node whether it proves that now. The pod may exist, or stand in a manifest that is not applied yet: Pod, or the
template of a Deployment, ReplicaSet, StatefulSet, DaemonSet, Job or CronJob. A pod that names its node, or is bound,
is decided for that node unless --node names another.

Files may hold Namespace, AttestationPolicy, NodeInventory, Node, NodeEvidence and NodeQuote as well; these count in place of
what the cluster has. With --offline no cluster is asked, and what no file holds is not there.

Nodes are judged from here, without the cluster's epoch key: the age of a quote is what it says of itself. The
answer lists what is left open. Settings of the webhook (trust anchors, reference values, epoch length,
trustedLaunch.strict) are not read from the cluster; give the same here. It needs the right to get pods, namespaces,
nodes, nodeevidences, nodequotes and attestationpolicies, to list the latter four, and to list nodeinventories where a
policy is of nodeIdentity Inventory.

Examples:
  nodeproof explain pod payments/api-0
  nodeproof explain pod payments/api-0 --node worker-7 --json
  nodeproof explain pod -f deployment.yaml
  kubectl get pod/api-0 ns/payments -n payments -o yaml > all.yaml
  kubectl get attestationpolicies,nodeinventories,nodes,nodeevidences,nodequotes -o json > nodes.json
  nodeproof explain pod payments/api-0 -f all.yaml -f nodes.json --offline

Exit codes: 0 it may be placed (on that node, or on at least one), 1 refused, 2 usage or malformed input,
3 environment.)";

constexpr const char* kPodsFooter =
    R"(Lists running pods that are sensitive and whose node does not prove now what they ask for, whatever way they got
there. REASON is what can be seen of that way:
  unmet         the node does not meet the policy: it lost its proof, or the pod is older than the gate
  refused       what the pod asks for cannot be made out: an unknown or unusable policy, a bad annotation
  mirror-pod    a static pod, which its kubelet runs without asking
  break-glass   its namespace is out of the gate
  not-enrolled  the pod is marked in a namespace where nobody acts on the marker; listed whatever its node proves
  unreadable    the pod cannot be read

Policies that only warn make no pod unproven. Nodes are judged as by nodeproof explain pod. It needs the right to
list pods, namespaces, nodes, nodeevidences, nodequotes and attestationpolicies, and nodeinventories where a policy is of
nodeIdentity Inventory.

Examples:
  nodeproof pods --unproven
  kubectl get pods,ns,nodes,nodeevidences,nodequotes,attestationpolicies,nodeinventories -A -o json | nodeproof pods --unproven -f -

Exit codes: 0 there is none, 1 they are listed, 2 usage or malformed input, 3 environment.)";

void add_judging(CLI::App& verb, JudgeOptions& options) {
  verb.add_option("--reference-values", options.reference_values,
                  "Genuine paravisors, instead of the built-in list")
      ->type_name("FILE");
  verb.add_option("--epoch-length", options.epoch_length, "The webhook's epochLength")
      ->type_name("DURATION")
      ->capture_default_str();
  verb.add_flag("--strict", options.strict, "The webhook's trustedLaunch.strict");
  add_trust(verb, options);
}

// A file for each -f, so that a positional may follow.
CLI::Option* add_files(CLI::App& verb, std::vector<std::string>& files, const char* what) {
  return verb.add_option("-f,--filename", files, what)->type_name("FILE")->expected(1)->take_all();
}

constexpr const char* kNodesFooter =
    R"(One line for each node: its phase, the check that is the reason, how old its proof is, and what that covers and
what not. All this is judged here, from NodeEvidence and NodeQuote, by the webhook's own code; no stored verdict is
trusted. TOLD is what NodeAttestation says, which the webhook's leader writes for people: where it differs (!),
either the two were looked at at different times, or the settings are not the same, or somebody has written what is not so.

Nodes are judged as by nodeproof explain pod, so give the settings of the webhook; a quote of a revoked key generation
is known as such to the webhook alone. It needs the right to list nodes, nodeevidences, nodequotes,
nodeattestations, attestationpolicies and nodeinventories.

Examples:
  nodeproof nodes
  nodeproof nodes worker-7 worker-8 --json
  kubectl get nodes,nodeevidences,nodequotes,nodeattestations,attestationpolicies,nodeinventories -o json | nodeproof nodes -f -

Exit codes: 0 every node listed is Verified, 1 one is not, 2 usage or malformed input, 3 environment.)";

void add_nodes(CLI::App& app, NodesOptions& options, int& exit_code) {
  CLI::App* verb = app.add_subcommand("nodes", "List nodes: phase, reason, age of the proof, what it covers");
  verb->footer(kNodesFooter);
  verb->add_option("node", options.nodes, "These nodes alone")->type_name("NODE..");
  CLI::Option* files = add_files(*verb, options.files,
                                 "YAML or JSON instead of a cluster; - for standard input. May be repeated");
  add_cluster(*verb, options, files);
  add_judging(*verb, options);
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback(
      [&options, &exit_code] { exit_code = list_nodes(options, SystemClock().now(), std::cout, std::cerr); });
}

void add_explain(CLI::App& app, ExplainOptions& options, int& exit_code) {
  CLI::App* explain = app.add_subcommand("explain", "Say what would be decided, and why");
  explain->require_subcommand(1);
  CLI::App* verb = explain->add_subcommand("pod", "May this pod be placed, and where?");
  verb->footer(kExplainFooter);
  verb->add_option("pod", options.pod, "The pod; may be left out when a file holds one alone")
      ->type_name("NS/NAME");
  verb->add_option("--node", options.node, "Decide for this node alone")->type_name("NODE");
  add_files(*verb, options.files, "YAML or JSON; - for standard input. May be repeated");
  CLI::Option* offline =
      verb->add_flag("--offline", options.offline, "Ask no cluster: the files hold everything");
  add_cluster(*verb, options, offline);
  add_judging(*verb, options);
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback([&options, &exit_code] {
    exit_code = explain_pod(options, SystemClock().now(), std::cout, std::cerr);
  });
}

void add_pods(CLI::App& app, PodsOptions& options, int& exit_code) {
  CLI::App* verb = app.add_subcommand("pods", "List sensitive pods that run without proof");
  verb->footer(kPodsFooter);
  verb->add_flag("--unproven", options.unproven, "Those whose node does not prove what they ask for")
      ->required();
  CLI::Option* files = add_files(*verb, options.files,
                                 "YAML or JSON instead of a cluster; - for standard input. May be repeated");
  add_cluster(*verb, options, files);
  add_judging(*verb, options);
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback([&options, &exit_code] {
    exit_code = unproven_pods(options, SystemClock().now(), std::cout, std::cerr);
  });
}

constexpr const char* kGateFooter =
    R"(Asks the API server, by dry run, to create two sensitive pods in an enrolled namespace: one aimed at a node that does not
meet a policy, which must be refused by the webhook, and one aimed at a node that meets it, which must be admitted.
Nothing is created. Nodes are chosen by their labels, which decide nothing. Where no node meets a policy the check
fails: an admission was not seen.

In a pod it uses the pod's service account. It needs the right to list nodes and attestationpolicies, and to create
pods in that namespace.

Example:
  nodeproof gate check --namespace payments

Exit codes: 0 it refuses and admits as it must, 1 it does not, 2 usage, 3 environment.)";

void add_gate(CLI::App& app, GateOptions& options, int& exit_code) {
  CLI::App* gate = app.add_subcommand("gate", "The gate as the API server asks it");
  gate->require_subcommand(1);
  CLI::App* verb = gate->add_subcommand("check", "Let it refuse one pod and admit another, by dry run");
  verb->footer(kGateFooter);
  verb->add_option("-n,--namespace", options.ns, "Where to ask: enrolled")->required()->type_name("NAME");
  verb->add_option("--service-account", options.service_account, "Of the pods that are asked about")
      ->type_name("NAME")
      ->capture_default_str();
  verb->add_option("--tries", options.tries, "A second apart, until it holds")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  add_cluster(*verb, options, nullptr);
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback([&options, &exit_code] {
    const auto pause = [] { std::this_thread::sleep_for(std::chrono::seconds(1)); };
    exit_code = check_gate(options, pause, std::cout, std::cerr);
  });
}

constexpr const char* kImportFooter =
    R"(Makes the NodeInventory of one scale set, so that policies of nodeIdentity Inventory know which VM each node is. The
list comes from Azure, not from the nodes; whoever may apply the manifest decides. Import anew when the pool grows,
shrinks or is reimaged: a node that is not listed meets no such policy.

Example, for a pool whose scale set is aks-cvm-12345-vmss:
  az vmss list-instances -g MC_GROUP -n aks-cvm-12345-vmss > instances.json
  nodeproof inventory import instances.json --name aks-cvm-12345-vmss | kubectl apply -f -

Exit codes: 0 made, 2 usage or malformed input, 3 the file cannot be read.)";

void add_inventory(CLI::App& app, ImportOptions& options, int& exit_code) {
  CLI::App* inventory = app.add_subcommand("inventory", "Which VM each node is");
  inventory->require_subcommand(1);
  CLI::App* verb = inventory->add_subcommand("import", "Make a NodeInventory of az vmss list-instances");
  verb->footer(kImportFooter);
  verb->add_option("file", options.file, "What az vmss list-instances printed; - for standard input")
      ->required()
      ->type_name("FILE");
  verb->add_option("--name", options.name, "Of the NodeInventory: the scale set's")
      ->required()
      ->type_name("NAME");
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback([&options, &exit_code] { exit_code = import_inventory(options, std::cout, std::cerr); });
}

constexpr const char* kPolicyFooter =
    R"(Reads AttestationPolicies as the webhook does, which is stricter than the API server: unknown fields, empty lists and
what no node can meet are refused, with the place. Then says in words what each demands. Nothing is asked of a
cluster, so that it fits a pipeline.

With --nodes it says which nodes of the cluster meet each policy now, before it is applied; so it does with files
that hold Node, NodeEvidence and NodeQuote (and NodeInventory for nodeIdentity Inventory). Nodes are judged as by
nodeproof explain pod, and it needs the same rights on nodes.

Examples:
  nodeproof policy test -f payments.yaml
  nodeproof policy test -f payments.yaml --nodes
  kubectl get nodes,nodeevidences,nodequotes -o json | nodeproof policy test -f payments.yaml -f - --json

Exit codes: 0 every policy can be used (and, of the nodes looked at, one at least meets each), 1 no node meets one of
them, 2 usage, or a policy that cannot be used, 3 environment.)";

void add_policy(CLI::App& app, PolicyTestOptions& options, int& exit_code) {
  CLI::App* policy = app.add_subcommand("policy", "What nodes must prove");
  policy->require_subcommand(1);
  CLI::App* verb = policy->add_subcommand("test", "Say what a policy demands, and whether it can be used");
  verb->footer(kPolicyFooter);
  add_files(*verb, options.files, "YAML or JSON; - for standard input. May be repeated")->required();
  CLI::Option* nodes = verb->add_flag("--nodes", options.nodes, "Say which nodes of the cluster meet it");
  add_cluster(*verb, options, nullptr);
  for (const char* flag : {"--kubeconfig", "--context"}) verb->get_option(flag)->needs(nodes);
  add_judging(*verb, options);
  verb->add_flag("--json", options.json, "Print JSON");
  verb->callback([&options, &exit_code] {
    exit_code = policy_test(options, SystemClock().now(), std::cout, std::cerr);
  });
}

constexpr const char* kEpochFooter =
    R"(Quotes answer nonces that are made with the cluster's epoch key, of which there is a new generation every six
hours. Both verbs read the Secret nodeproof-epoch-key, which holds the keys: whoever may read it can foretell nonces.
The ClusterRole nodeproof-epoch-revoker grants what they need.)";

constexpr const char* kRevokeFooter =
    R"text(For when a generation's key, or nonces before their time, became known. Nothing that answers its nonces counts any
more: nodes proven by such a quote are Stale at once, none is Failed, and nothing is evicted. A new generation
follows within seconds, and agents quote it within a quarter of agent.refresh. It cannot be taken back.

The Secret is changed only as it was read; a change by somebody else meanwhile is read anew.

Examples:
  nodeproof epoch list
  nodeproof epoch revoke 00112233aabbccdd
  nodeproof epoch revoke "$(kubectl -n nodeproof-system get configmap nodeproof-epoch -o jsonpath='{.data.kid}')"

Exit codes: 0 it is revoked, now or before, 2 there is no such generation, 3 environment.)text";

void add_epoch_flags(CLI::App& verb, EpochOptions& options) {
  verb.add_option("-n,--namespace", options.ns, "Namespace of the release")
      ->type_name("NAME")
      ->capture_default_str();
  add_cluster(verb, options, nullptr);
  verb.add_flag("--json", options.json, "Print JSON");
}

void add_epoch(CLI::App& app, ClusterVerbs& verbs, int& exit_code) {
  CLI::App* epoch = app.add_subcommand("epoch", "The generations of the epoch key");
  epoch->require_subcommand(1);
  epoch->footer(kEpochFooter);
  CLI::App* list = epoch->add_subcommand("list", "List the generations, without their keys");
  list->footer(kEpochFooter);
  add_epoch_flags(*list, verbs.epochs);
  list->add_option("--epoch-length", verbs.epochs.epoch_length, "The webhook's epochLength")
      ->type_name("DURATION")
      ->capture_default_str();
  list->callback([&options = verbs.epochs, &exit_code] {
    exit_code = list_generations(options, SystemClock().now(), std::cout, std::cerr);
  });
  CLI::App* revoke = epoch->add_subcommand("revoke", "End one generation at once");
  revoke->footer(kRevokeFooter);
  revoke->add_option("kid", verbs.revocation.kid, "The generation")->required()->type_name("KID");
  add_epoch_flags(*revoke, verbs.revocation);
  revoke->callback([&options = verbs.revocation, &exit_code] {
    exit_code = revoke_generation(options, std::cout, std::cerr);
  });
}

}  // namespace

void add_trust(CLI::App& verb, TrustOptions& options) {
  verb.add_option("--trust-anchor", options.trust_anchors,
                  "Roots beside the built-in ones, and vTPM intermediates; only for emulated nodes")
      ->type_name("FILE..");
  verb.add_option("--crl", options.revocation_lists, "Revocation lists of the CAs, PEM or DER, in date")
      ->type_name("FILE..");
  verb.add_option("--at", options.at, "Verify as of this time instead of now")->type_name("RFC3339");
}

void add_cluster(CLI::App& verb, ClusterOptions& options, CLI::Option* excluded) {
  CLI::Option* kubeconfig = verb.add_option("--kubeconfig", options.kubeconfig, "How to reach the cluster");
  CLI::Option* context =
      verb.add_option("--context", options.context, "A context of the kubeconfig instead of the current one");
  kubeconfig->type_name("FILE");
  context->type_name("NAME");
  if (excluded == nullptr) return;
  kubeconfig->excludes(excluded);
  context->excludes(excluded);
}

void add_cluster_verbs(CLI::App& app, ClusterVerbs& verbs, int& exit_code) {
  add_nodes(app, verbs.nodes, exit_code);
  add_explain(app, verbs.explain, exit_code);
  add_pods(app, verbs.pods, exit_code);
  add_gate(app, verbs.gate, exit_code);
  add_inventory(app, verbs.inventory, exit_code);
  add_policy(app, verbs.policy, exit_code);
  add_epoch(app, verbs, exit_code);
}

}  // namespace nodeproof::cli
