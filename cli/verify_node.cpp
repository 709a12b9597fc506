#include "cli/verify_node.hpp"

#include <ostream>
#include <stdexcept>

#include "base/file.hpp"
#include "cli/node_objects.hpp"
#include "cli/node_verdict.hpp"
#include "cli/printable.hpp"
#include "wire/reference_values.hpp"

namespace nodeproof::cli {
namespace {

constexpr std::size_t kMaxFile = 1U << 20U;

struct Inputs {
  NodeObjects objects;
  attest::TrustAnchors anchors = attest::built_in_trust_anchors();
  attest::ReferenceValues reference_values = attest::built_in_reference_values();
  UnixTime at;
};

// AMD's roots are told by their name; everything else is for AK certificates.
Status add_anchors(const std::vector<std::string>& files, attest::TrustAnchors& anchors, std::ostream& err) {
  std::vector<attest::Certificate> amd;
  std::vector<attest::Certificate> vtpm;
  for (const std::string& file : files) {
    NODEPROOF_TRY(certificates, attest::parse_certificates(read_file(file, kMaxFile), file));
    for (const attest::Certificate& certificate : certificates) {
      err << "nodeproof: trusting besides the built-in roots: " << printable(certificate.subject()) << '\n';
      (certificate.subject_common_name().starts_with("ARK-") ? amd : vtpm).push_back(certificate);
    }
  }
  return attest::add_trust_anchors(anchors, amd, vtpm);
}

NodeObjects fetch(const NodeOptions& options) {
  const std::filesystem::path file =
      options.kubeconfig.empty() ? kube::default_kubeconfig() : std::filesystem::path(options.kubeconfig);
  if (!std::filesystem::exists(file))
    throw std::runtime_error("there is no kubeconfig " + file.string() +
                             ". Name one with --kubeconfig, or give the objects with -f");
  kube::ApiClient api(kube::kubeconfig_connection(file, options.context), "nodeproof");
  return fetch_node_objects(api, options.node);
}

Result<Inputs> read_inputs(const NodeOptions& options, UnixTime now, std::ostream& err) {
  Inputs out;
  out.at = now;
  if (!options.at.empty()) {
    NODEPROOF_TRY(at, parse_rfc3339(options.at, "--at"));
    out.at = at;
  }
  if (options.file.empty() && options.node.empty())
    return Error{Errc::kMissing, "NODE", "name a node, or a file with -f"};
  NODEPROOF_CHECK(add_anchors(options.trust_anchors, out.anchors, err));
  if (!options.reference_values.empty()) {
    const Bytes yaml = read_file(options.reference_values, kMaxFile);
    NODEPROOF_TRY(values, wire::parse_reference_values(as_text(yaml), options.reference_values));
    out.reference_values = std::move(values);
  }
  if (options.file.empty()) {
    out.objects = fetch(options);
    return out;
  }
  NODEPROOF_TRY(objects, read_node_objects(options.file, options.node));
  out.objects = std::move(objects);
  return out;
}

}  // namespace

ExitCode verify_node(const NodeOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  try {
    const auto inputs = read_inputs(options, now, err);
    if (!inputs) {
      err << "nodeproof: " << printable(to_string(inputs.error())) << "\nSee nodeproof verify node --help.\n";
      return kUsage;
    }
    const Verdict verdict = node_verdict(
        inputs->objects,
        {.anchors = inputs->anchors, .reference_values = inputs->reference_values, .now = inputs->at});
    if (!options.json) out << "Node " << printable(inputs->objects.name) << "\n\n";
    (options.json ? print_json : print_checklist)(out, verdict);
    return verdict.verified() ? kVerified : kRefused;
  } catch (const std::invalid_argument& error) {
    err << "nodeproof: " << printable(error.what()) << ".\n";
    return kUsage;
  } catch (const std::length_error& error) {
    err << "nodeproof: " << printable(error.what())
        << ": no evidence is that large; check which file this is.\n";
    return kUsage;
  } catch (const std::exception& error) {
    err << "nodeproof: " << printable(error.what()) << ".\n";
    return kEnvironment;
  }
}

}  // namespace nodeproof::cli
