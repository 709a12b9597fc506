#include "cli/epoch.hpp"

#include <cpprest/json.h>

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "attest/strict_json.hpp"
#include "cli/input.hpp"
#include "cli/printable.hpp"
#include "cli/verdict_json.hpp"
#include "kube/settings.hpp"
#include "webhook/epoch_keys.hpp"

namespace nodeproof::cli {
namespace {

using web::json::value;
using webhook::Generations;
using wire::EpochKeyGeneration;

constexpr std::size_t kMaxSecret = 3U << 20U;
constexpr int kTries = 3;
constexpr const char* kRight =
    "secrets/nodeproof-epoch-key, as the ClusterRole nodeproof-epoch-revoker grants it";

struct EpochSecret {
  std::string path;
  std::string resource_version;
  Generations generations;
};

EpochSecret read_secret(kube::ApiClient& api, const std::string& ns) {
  EpochSecret out;
  out.path = "/api/v1/namespaces/" + ns + "/secrets/" + std::string(wire::kEpochSecret);
  const auto json = get_object(api, out.path, kRight);
  if (!json)
    throw std::runtime_error(
        "there is no Secret " + ns + "/" + std::string(wire::kEpochSecret) +
        ". Name the release's namespace with --namespace; the webhook's leader makes the Secret");
  const auto document = attest::JsonDocument::parse(as_bytes(*json), kMaxSecret, "Secret");
  const auto read = [&]() -> Status {
    if (!document) return document.error();
    NODEPROOF_TRY(meta, wire::parse_metadata(document->root()));
    NODEPROOF_TRY(generations, wire::parse_epoch_secret(document->root()));
    out.resource_version = std::move(meta.resource_version);
    out.generations = std::move(generations);
    return Ok{};
  };
  if (const Status status = read(); !status)
    throw std::runtime_error("the Secret " + std::string(wire::kEpochSecret) +
                             " cannot be read: " + to_string(status.error()));
  return out;
}

const char* state_of(const EpochKeyGeneration& generation, const Generations& all, std::uint64_t epoch) {
  if (generation.revoked) return "revoked";
  const EpochKeyGeneration* current = webhook::generation_for(all, epoch);
  if (current != nullptr && current->kid == generation.kid) return "current";
  return epoch < generation.first ? "next" : "ended";
}

std::string start_of(std::uint64_t epoch, Seconds length) {
  return to_rfc3339(attest::epoch_start(epoch, length));
}

value to_value(const EpochKeyGeneration& generation) {
  value out = value::object();
  out["kid"] = json_text(generation.kid);
  out["first"] = value::number(generation.first);
  out["last"] = value::number(generation.last);
  out["revoked"] = value::boolean(generation.revoked);
  return out;
}

std::string kids_of(const Generations& generations) {
  std::string out;
  for (const EpochKeyGeneration& item : generations) out += (out.empty() ? "" : ", ") + item.kid;
  return out;
}

Result<ExitCode> list(const EpochOptions& options, UnixTime now, std::ostream& out) {
  NODEPROOF_TRY(ns, kube::namespace_name(options.ns, "--namespace"));
  NODEPROOF_TRY(length, parse_duration(options.epoch_length, "--epoch-length"));
  const EpochSecret secret = read_secret(*connect(options), ns);
  const std::uint64_t epoch = attest::epoch_at(now, length);
  if (options.json) {
    std::vector<value> items;
    for (const EpochKeyGeneration& item : secret.generations) {
      items.push_back(to_value(item));
      items.back()["state"] = value::string(state_of(item, secret.generations, epoch));
    }
    out << value::array(std::move(items)).serialize() << '\n';
    return kVerified;
  }
  constexpr int kWidth = 22;
  out << std::left << std::setw(kWidth) << "KID" << std::setw(10) << "STATE" << std::setw(kWidth) << "FROM"
      << "UNTIL\n";
  for (const EpochKeyGeneration& item : secret.generations) {
    out << std::setw(kWidth) << item.kid << std::setw(10) << state_of(item, secret.generations, epoch)
        << std::setw(kWidth) << start_of(item.first, length) << start_of(item.last + 1, length) << '\n';
  }
  return kVerified;
}

void tell(const EpochOptions& options, const EpochKeyGeneration& generation, bool changed,
          std::ostream& out) {
  if (options.json) {
    value root = to_value(generation);
    root["changed"] = value::boolean(changed);
    out << root.serialize() << '\n';
    return;
  }
  if (!changed) {
    out << "Key generation " << generation.kid << " was revoked before; nothing was changed.\n";
    return;
  }
  out << "Revoked key generation " << generation.kid << " (epochs " << generation.first << " to "
      << generation.last << ") in Secret " << options.ns << "/" << wire::kEpochSecret
      << ".\nNodes whose last quote answers it are Stale from now on, and no sensitive pod is placed on "
         "them until their next quote. The webhook's leader publishes an epoch of a new generation within "
         "seconds, and agents quote it within a quarter of agent.refresh. Watch: kubectl get "
         "nodeattestations\n";
}

Result<ExitCode> revoke(const EpochOptions& options, std::ostream& out) {
  NODEPROOF_TRY(ns, kube::namespace_name(options.ns, "--namespace"));
  const auto api = connect(options);
  for (int tries = 0; tries < kTries; ++tries) {
    EpochSecret secret = read_secret(*api, ns);
    const EpochKeyGeneration* found = webhook::find_generation(secret.generations, options.kid);
    if (found == nullptr) {
      return Error{Errc::kBadValue, "KID",
                   "is '" + printable(options.kid.substr(0, 64)) +
                       "', which is no generation of this cluster; they are " + kids_of(secret.generations)};
    }
    const auto next = webhook::with_revoked(secret.generations, options.kid);
    if (!next ||
        replace_object(*api, secret.path, wire::epoch_secret(*next, ns, secret.resource_version), kRight)) {
      tell(options, *found, next.has_value(), out);
      return kVerified;
    }
  }
  throw std::runtime_error(
      "the Secret was changed by somebody else each time; nothing was revoked. Try again");
}

}  // namespace

ExitCode list_generations(const EpochOptions& options, UnixTime now, std::ostream& out, std::ostream& err) {
  return run_verb("epoch list", err, [&] { return list(options, now, out); });
}

ExitCode revoke_generation(const EpochOptions& options, std::ostream& out, std::ostream& err) {
  return run_verb("epoch revoke", err, [&] { return revoke(options, out); });
}

}  // namespace nodeproof::cli
