#include "webhook/certificate_keeper.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

#include "webhook/api_object.hpp"
#include "wire/webhook_configuration.hpp"

namespace nodeproof::webhook {
namespace {

using attest::Certificate;

// Both are named like this (charts/nodeproof); the second exists only where webhooks steer.
constexpr std::array kConfigurations{
    "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/nodeproof",
    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/nodeproof"};

void tell(Renewal renewal, const ServingPki& pki) {
  if (renewal != Renewal::kCertificate) {
    spdlog::info("new authority for serving certificates, valid until {}",
                 to_rfc3339(pki.authorities.front().not_after()));
  }
  if (renewal != Renewal::kAuthority) {
    spdlog::info("the Secret {} holds a serving certificate valid until {}", wire::kServingSecret,
                 to_rfc3339(pki.certificate.not_after()));
  }
}

std::string kind_of(const std::string& path) {
  const std::string kind = path.substr(0, path.rfind('/'));
  return kind.substr(kind.rfind('/') + 1);
}

// Adds those of a caBundle that are not there yet. One that cannot be read has none.
void add_authorities(ByteView bundle, std::span<const Certificate> ours, std::vector<Certificate>& out) {
  const auto held = attest::parse_certificates(bundle, "caBundle");
  if (!held) return;
  for (const Certificate& item : *held) {
    const auto is_it = [&](const Certificate& other) { return other.sha256() == item.sha256(); };
    if (std::none_of(ours.begin(), ours.end(), is_it) && std::none_of(out.begin(), out.end(), is_it))
      out.push_back(item);
  }
}

}  // namespace

struct CertificateKeeper::Stored {
  bool exists = false;
  std::string resource_version;
  std::optional<ServingPki> pki;  // nothing when it cannot be used
};

CertificateKeeper::CertificateKeeper(ClusterApi& api, std::string ns, std::vector<std::string> names,
                                     CertificateTimes times, InUse in_use)
    : api_(api), ns_(std::move(ns)), names_(std::move(names)), times_(times), in_use_(std::move(in_use)) {}

void CertificateKeeper::introduce(UnixTime now) {
  if (introduced_) return;
  const ServingPki pki = keep_secret(now);
  met_ = Met{foreign_authorities(pki), now + times_.overlap()};
  publish(pki, now);
  introduced_ = true;
  if (met_->authorities.empty()) return;
  spdlog::warn(
      "API servers trust {} more than the Secret {} holds, as after a change of webhook.certificate.mode; "
      "they do until {}",
      met_->authorities.size(), wire::kServingSecret, to_rfc3339(met_->until));
}

void CertificateKeeper::step(UnixTime now) {
  const ServingPki pki = keep_secret(now);
  const Sha256Digest authority = pki.authorities.front().sha256();
  if (!publish(pki, now)) {
    published_.reset();
  } else if (!published_ || published_->authority != authority) {
    published_ = Publication{authority, now};
  }
  if (published_ && met_ && now >= met_->until) met_->authorities.clear();
}

CertificateKeeper::Stored CertificateKeeper::read() {
  const auto body =
      api_.get_if_exists("/api/v1/namespaces/" + ns_ + "/secrets/" + std::string(wire::kServingSecret));
  Stored out;
  if (!body) return out;
  const attest::JsonDocument document = parse_object(*body, wire::kServingSecret);
  out.exists = true;
  out.resource_version = or_throw(wire::parse_metadata(document.root())).resource_version;
  const auto read_all = [&]() -> Result<ServingPki> {
    NODEPROOF_TRY(secret, wire::parse_serving_secret(document.root()));
    return read_serving_pki(secret);
  };
  auto pki = read_all();
  if (pki) {
    out.pki = *std::move(pki);
    told_.clear();
    return out;
  }
  std::string problem = to_string(pki.error());
  if (problem == told_) return out;
  told_ = std::move(problem);
  spdlog::error(
      "ALERT: the Secret {} cannot be used ({}); it is made anew. See who may write it. Should that fail, "
      "delete it",
      wire::kServingSecret, told_);
  return out;
}

ServingPki CertificateKeeper::keep_secret(UnixTime now) {
  Stored stored = read();
  const ServingPki* have = stored.pki ? &*stored.pki : nullptr;
  std::optional<Seconds> published;
  if (have != nullptr && published_ && published_->authority == have->authorities.front().sha256())
    published = now - published_->since;
  const Renewal renewal = plan_renewal(have, published, names_, times_, now);
  if (renewal == Renewal::kNone) return *std::move(stored.pki);
  const auto in_use = in_use_();
  ServingPki next = renewed(renewal, have, in_use.get(), names_, times_, now);
  const std::string json = wire::serving_secret(to_secret(next), ns_, stored.resource_version);
  const std::string collection = "/api/v1/namespaces/" + ns_ + "/secrets";
  stored.exists ? api_.replace(collection + "/" + std::string(wire::kServingSecret), json)
                : api_.create(collection, json);
  tell(renewal, next);
  return next;
}

// True when all configurations were right already: what was written now is not read everywhere yet.
bool CertificateKeeper::publish(const ServingPki& pki, UnixTime now) {
  std::vector<Certificate> trusted = trusted_authorities(pki, times_, now);
  std::vector<Certificate> known = pki.authorities;
  if (met_) {
    const std::vector<Certificate>& others = met_->authorities;
    known.insert(known.end(), others.begin(), others.end());
    if (now < met_->until) trusted.insert(trusted.end(), others.begin(), others.end());
  }
  const Bytes wanted = to_pem(trusted);
  bool right = true;
  for (const char* path : kConfigurations) right = publish_in(path, wanted, known) && right;
  return right;
}

bool CertificateKeeper::publish_in(const std::string& path, ByteView wanted,
                                   std::span<const Certificate> known) {
  const auto body = api_.get_if_exists(path);
  if (!body) return true;
  const std::string what = kind_of(path);
  const attest::JsonDocument document = parse_object(*body, what);
  bool right = true;
  for (const wire::WebhookTrust& trust : or_throw(wire::parse_webhook_trust(document.root()))) {
    const BundleState state = judge_bundle(trust.ca_bundle, wanted, known);
    right = right && state == BundleState::kRight;
    if (state != BundleState::kForeign) continue;
    ++foreign_bundles_;
    spdlog::error(
        "ALERT: the caBundle of {} in {} holds what is not in the Secret {}; it is put right. See who may "
        "change it",
        trust.webhook, what, wire::kServingSecret);
  }
  if (right) return true;
  api_.merge_patch(path, or_throw(wire::ca_bundle_patch(*body, wanted)));
  spdlog::info("{} nodeproof: every caBundle names our authorities now, the newest valid until {}", what,
               to_rfc3339(known.front().not_after()));
  return false;
}

std::vector<Certificate> CertificateKeeper::foreign_authorities(const ServingPki& pki) {
  std::vector<Certificate> out;
  for (const char* path : kConfigurations) {
    const auto body = api_.get_if_exists(path);
    if (!body) continue;
    const attest::JsonDocument document = parse_object(*body, kind_of(path));
    for (const wire::WebhookTrust& trust : or_throw(wire::parse_webhook_trust(document.root())))
      add_authorities(trust.ca_bundle, pki.authorities, out);
  }
  return out;
}

}  // namespace nodeproof::webhook
