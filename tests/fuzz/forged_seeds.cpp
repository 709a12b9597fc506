#include "attest/event_log.hpp"
#include "tests/fuzz/seeds.hpp"
#include "tests/support/event_log_parts.hpp"
#include "tests/support/forge_node.hpp"
#include "wire/node_inventory.hpp"

namespace nodeproof::fuzz {
namespace {

constexpr std::string_view kAdmissionPolicies =
    R"([{"kind":"ValidatingAdmissionPolicy","name":"nodeproof-bindings","spec":{"failurePolicy":"Fail","matchConstraints":)"
    R"({"resourceRules":[{"apiGroups":[""],"resources":["pods/binding","bindings"],"scope":"*"}]},"validations":)"
    R"([{"expression":"size(variables.ours) == 0","reason":"Forbidden"}]}},{"kind":"ValidatingAdmissionPolicyBinding",)"
    R"("name":"nodeproof-bindings","spec":{"policyName":"nodeproof-bindings","validationActions":["Deny"]}}])";

constexpr std::string_view kWebhookYaml = R"(namespace: nodeproof-system
listen: 0.0.0.0:8443
healthListen: "[::1]:8081"
tls:
  certFile: /etc/nodeproof-tls/tls.crt
  keyFile: /etc/nodeproof-tls/tls.key
epochLength: 30s
maxReportAge: 24h
viewAge: 30s
akCertificateGrace: 720h
trustAnchors: {amd: /a, vtpm: /v}
referenceValues: /r
admissionPolicies: /p
identity: one
connection: {server: "https://127.0.0.1:6443", caFile: /ca, tokenFile: /t}
)";

constexpr std::string_view kOwnCertificateYaml =
    R"(tls: {names: [nodeproof-webhook.ns.svc, 127.0.0.1, "::1"], caLifetime: 8760h, lifetime: 2160h}
)";

constexpr std::string_view kAgentYaml = R"(namespace: nodeproof-system
tcti: device:/dev/tpmrm0
refresh: 2m
maxReportAge: 24h
thim: http://169.254.169.254
cacheDirectory: /var/cache/nodeproof
bootIdFile: /proc/sys/kernel/random/boot_id
connection: {server: "https://127.0.0.1:6443", caFile: /ca, tokenFile: /t}
)";

constexpr std::string_view kBindingReview =
    R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1",)"
    R"("resource":{"group":"","version":"v1","resource":"pods"},"subResource":"binding","operation":"CREATE",)"
    R"("kind":{"group":"","version":"v1","kind":"Binding"},"name":"ledger","namespace":"payments",)"
    R"("userInfo":{"username":"system:kube-scheduler","groups":["system:authenticated"]},)"
    R"("object":{"apiVersion":"v1","kind":"Binding","metadata":{"name":"ledger","namespace":"payments"},)"
    R"("target":{"kind":"Node","name":"worker-7"}}}})";

constexpr std::string_view kPodReview =
    R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-2",)"
    R"("resource":{"group":"","version":"v1","resource":"pods"},"operation":"UPDATE","dryRun":true,)"
    R"("kind":{"group":"","version":"v1","kind":"Pod"},"name":"ledger","namespace":"payments",)"
    R"("userInfo":{"username":"ada"},"object":{"metadata":{"name":"ledger","annotations":)"
    R"({"nodeproof.dev/policy":"confidential"}},"spec":{"nodeName":"worker-7"}},)"
    R"("oldObject":{"metadata":{"name":"ledger"},"spec":{}}}})";

constexpr std::string_view kTemplateReview =
    R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-3",)"
    R"("resource":{"group":"batch","version":"v1","resource":"cronjobs"},"operation":"CREATE",)"
    R"("kind":{"group":"batch","version":"v1","kind":"CronJob"},"name":"nightly","namespace":"payments",)"
    R"("userInfo":{"username":"ada"},"object":{"metadata":{"name":"nightly"},"spec":{"jobTemplate":{"spec":)"
    R"({"template":{"metadata":{"annotations":{"nodeproof.dev/policy":"confidential"}},)"
    R"("spec":{"nodeSelector":{"disk":"ssd"}}}}}}}}})";

void write_certificates(const SeedWriter& out, const forge::World& world, const attest::BootEvidence& boot) {
  const attest::Certificate& ak = boot.ak_certificate.value();
  Bytes chain;
  for (const attest::Certificate& certificate : boot.certificates) append(chain, forge::to_pem(certificate));
  out.add("certificates", "chain.pem", chain);
  out.add("certificates", "ask.der", world.amd.ask.certificate.der());
  out.add("certificates", "ak.der", ak.der());

  Bytes padded = ak.der();
  padded.resize(padded.size() + 64);
  out.add("ak_nv_content", "bare", ak.der());
  out.add("ak_nv_content", "padded", padded);
}

void write_revocation_lists(const SeedWriter& out, const forge::World& world) {
  const Bytes list = forge::make_revocation_list(world.amd.ark, {.revoked = {world.amd.ask.certificate}});
  out.add("revocation_lists", "one.der", list);
  Bytes two = list;
  append(two, forge::make_revocation_list(world.amd.ark));
  out.add("revocation_lists", "two.der", two);
}

// A UEFI variable and a separator, as a firmware with two banks logs them.
void write_event_logs(const SeedWriter& out) {
  attest::EventLog log;
  log.events.push_back({.pcr = 7,
                        .type = attest::kEvEfiVariableDriverConfig,
                        .digests = {{attest::kTpmAlgSha1, Bytes(20, 1)}},
                        .data = Bytes(32 + 2 + 1)});
  log.events.back().data[16] = 1;  // the name's length in characters
  log.events.back().data[24] = 1;  // the data's length
  out.add("event_log", "legacy", attest::serialize_event_log(log));

  log.spec_id = attest::SpecId{
      .version_major = 2,
      .uintn_size = 2,
      .algorithms = {{attest::kTpmAlgSha1, 20}, {attest::kTpmAlgSha256, 32}},
  };
  log.events.push_back({.pcr = 0, .type = attest::kEvSeparator, .data = Bytes(4)});
  for (attest::LogEvent& event : log.events)
    event.digests = {{attest::kTpmAlgSha1, Bytes(20, 1)}, {attest::kTpmAlgSha256, Bytes(32, 2)}};
  out.add("event_log", "agile", attest::serialize_event_log(log));
  log.padding_byte = 0xFF;
  log.padding_size = 40;
  out.add("event_log", "padded", attest::serialize_event_log(log));
  out.add("event_log", "boot", attest::serialize_event_log(forge::make_boot_log()));
}

void write_reports(const SeedWriter& out, const forge::World& world, const attest::BootEvidence& boot) {
  const Bytes claims = forge::make_runtime_claims(world.ak.rsa_modulus());
  out.add("runtime_claims", "full", claims);
  forge::ClaimsOptions old;
  old.user_data.reset();
  old.secure_boot.reset();
  out.add("runtime_claims", "of-2022", forge::make_runtime_claims(world.ak.rsa_modulus(), old));
  for (const attest::Product product : {attest::Product::kMilan, attest::Product::kGenoa})
    out.add("snp_report", "product-" + std::to_string(static_cast<int>(product)),
            attest::serialize_snp_report(forge::make_report(product, claims)));
  out.add("hcl_report", "padded", boot.hcl_report);
}

void write_quotes(const SeedWriter& out, const forge::World& world) {
  const attest::QuoteEvidence quote = forge::make_quote(world.ak);
  forge::QuoteOptions bare;
  bare.tpmt_signature = false;
  out.add("tpms_attest", "node-quote", quote.attest);
  out.add("quote_signature", "tpmt", quote.signature);
  out.add("quote_signature", "bare", forge::make_quote(world.ak, bare).signature);
  out.add("node_inventory", "two-nodes",
          wire::to_json(wire::NodeInventory{"pool",
                                            {{"aks-pool-1", std::string(forge::kVmId)},
                                             {"aks-pool-2", "7c9e6679-7425-40de-944b-e07fc1f90ae7"}}}));
  out.add("node_quote", "complete", wire::to_json(forge::make_node_quote(forge::make_node_evidence())));
}

void write_texts(const SeedWriter& out, const std::string& evidence) {
  out.add("admission_review", "binding", kBindingReview);
  out.add("admission_review", "pod-update", kPodReview);
  out.add("admission_review", "cron-job", kTemplateReview);
  out.add("admission_policies", "two", kAdmissionPolicies);
  out.add("webhook_config", "full", kWebhookYaml);
  out.add("webhook_config", "own-certificate", kOwnCertificateYaml);
  out.add("agent_config", "full", kAgentYaml);
  out.add("reference_values", "two",
          "paravisors:\n  - product: Milan\n    idKeyDigest: " + to_hex(forge::emulated_id_key_digest()) +
              "\n    minimumGuestSvn: 8\n    source: our pool\n  - {product: Genoa, idKeyDigest: \"" +
              std::string(96, '2') + "\", minimumGuestSvn: 0}\n");
  const std::string event = R"({"type":"ADDED","object":{"metadata":{"resourceVersion":"7"}}})";
  out.add("watch_stream", "events", "\x07\x01" + event + "\n\n" + event + "\n{\"type\":");
  out.add("watch_stream", "too-long", "\xff\x02" + event + "\n" + evidence);
}

}  // namespace

void write_forged_seeds(const SeedWriter& out) {
  const forge::World& world = forge::shared_world();
  const attest::BootEvidence boot = forge::make_boot_evidence(world);
  wire::NodeEvidence complete = forge::make_node_evidence();
  complete.resource_version = "4711";
  complete.collection = {"endorsements-unreachable", "THIM answers 503; \"later\""};
  complete.collected_at = "2026-08-25T00:00:00Z";
  const std::string evidence = wire::to_json(complete);
  out.add("node_evidence", "complete", evidence);
  wire::NodeEvidence nothing;
  nothing.name = "worker-8";
  nothing.boot = complete.boot;
  nothing.collection = {"no-tpm", "there is no /dev/tpmrm0"};
  out.add("node_evidence", "nothing-to-prove", wire::to_json(nothing));
  write_certificates(out, world, boot);
  write_revocation_lists(out, world);
  write_event_logs(out);
  write_reports(out, world, boot);
  write_quotes(out, world);
  write_texts(out, evidence);
}

}  // namespace nodeproof::fuzz
