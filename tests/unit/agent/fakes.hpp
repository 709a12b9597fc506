// Stand-ins for what the agent talks to. Each counts or records what a test asks about.
#pragma once

#include <cpprest/json.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/endorsements.hpp"
#include "agent/firmware.hpp"
#include "agent/object_api.hpp"
#include "agent/timer.hpp"
#include "agent/tpm.hpp"
#include "base/clock.hpp"
#include "tests/support/forge.hpp"
#include "wire/epoch.hpp"

namespace nodeproof::agent {

inline const std::string kNodeUid = "0b6f5f4e-7d7f-4b1e-9f7d-0a1b2c3d4e5f";
inline const std::string kBootId = "11111111-2222-4333-8444-555555555555";
inline const attest::BootIdentity kBoot{kNodeUid, kBootId};

inline wire::PublishedEpoch epoch_of(std::uint64_t number) {
  wire::PublishedEpoch epoch;
  epoch.epoch = {"0123456789abcdef", number};
  epoch.nonce.fill(static_cast<std::uint8_t>(number));
  return epoch;
}

// The vTPM of a forged confidential VM: its paravisor signs a new report at every read, unless a
// test says otherwise.
class FakeTpm final : public Tpm {
 public:
  const forge::World& world = forge::shared_world();
  std::optional<TpmError> failure;        // thrown by every call
  std::optional<TpmError> write_failure;  // by write_user_data alone
  std::optional<TpmError> quote_failure;  // by quote alone
  bool ak = true;
  bool hcl = true;
  int stale_reads = 0;  // so many reads give a report for another challenge
  std::function<Bytes(Bytes)> edit_report = [](Bytes nv) { return nv; };
  std::optional<Bytes> ak_certificate;
  attest::PcrValues pcrs = forge::make_pcrs();
  int moving_reads = 0;  // so many times a PCR changes right after it was read
  const forge::PrivateKey* quoting_key = &world.ak;
  Bytes ek_modulus;  // in the report; empty: none
  std::optional<ByteArray<32>> held =
      ByteArray<32>{0x5e};  // in any credential; absent: it is not for this TPM

  int report_reads = 0;
  int writes = 0;
  int quotes = 0;
  int activations = 0;

  bool has_ak() override {
    fail();
    return ak;
  }
  bool has_nv(std::uint32_t index) override {
    fail();
    return index == kHclReportIndex ? hcl : ak_certificate.has_value();
  }
  Bytes read_nv(std::uint32_t index) override {
    fail();
    if (index == kAkCertificateIndex && ak_certificate) return *ak_certificate;
    if (index != kHclReportIndex || !hcl) throw TpmError(TpmErrorKind::kNvMissing, "no such index");
    forge::BootOptions options;
    options.claims.ek_modulus = ek_modulus;
    options.claims.user_data = report_reads++ < stale_reads ? Sha512Digest{} : user_data_;
    return edit_report(forge::make_boot_evidence(world, options).hcl_report);
  }
  void write_user_data(const Sha512Digest& value) override {
    fail();
    if (write_failure) throw *write_failure;
    ++writes;
    user_data_ = value;
  }
  attest::PcrValues read_pcrs(attest::PcrSelection selection) override {
    fail();
    attest::PcrValues out = pcrs.only(selection);
    if (moving_reads > 0) {
      --moving_reads;
      ++pcrs[5][0];
    }
    return out;
  }
  RawQuote quote(attest::PcrSelection selection, const Sha256Digest& qualifying_data) override {
    fail();
    if (quote_failure) throw *quote_failure;
    ++quotes;
    forge::QuoteOptions options;
    options.pcrs = pcrs;
    options.selection = selection;
    options.qualifying_data = to_bytes(qualifying_data);
    options.tpmt_signature = false;
    const attest::QuoteEvidence made = forge::make_quote(*quoting_key, options);
    return {made.attest, made.signature};
  }

  ByteArray<32> activate(const attest::Credential&) override {
    fail();
    ++activations;
    if (!held) throw TpmError(TpmErrorKind::kOther, "the credential is not for this TPM");
    return *held;
  }

 private:
  void fail() const {
    if (failure) throw *failure;
  }
  Sha512Digest user_data_{};
};

class FakeFirmware final : public Firmware {
 public:
  BootFacts facts{{1, 2, 3}, std::nullopt, {true, false, "integrity"}};
  int reads = 0;
  BootFacts read() override {
    ++reads;
    return facts;
  }
};

class FakeEndorsements final : public EndorsementSource {
 public:
  bool reachable = true;
  int calls = 0;
  std::vector<Bytes> endorsements(const EndorsementKey& key, const std::stop_token&) override {
    ++calls;
    asked_for = key;
    if (!reachable) throw EndorsementError("THIM is away. Remedy: bring it back");
    return {{1}, {2}, {3}};
  }
  EndorsementKey asked_for;
};

// Time passes only by waiting. `on_wait` may change the world meanwhile, or stop it.
class FakeTimer final : public Timer {
 public:
  std::vector<Milliseconds> waits;
  std::function<void()> on_wait = [] {};
  SteadyTime now() const override { return now_; }
  bool wait(Milliseconds time, const std::stop_token& stop) override {
    waits.push_back(time);
    now_ += time;
    on_wait();
    return !stop.stop_requested();
  }

 private:
  SteadyTime now_{std::chrono::hours(1)};
};

class FixedClock final : public Clock {
 public:
  UnixTime now() const override { return forge::kNow; }
};

// An API server's memory, with resourceVersions and the errors that come of them.
class FakeApi final : public ObjectApi {
 public:
  static constexpr const char* kNode = "/api/v1/nodes/node-1";
  static constexpr const char* kEpoch = "/api/v1/namespaces/nodeproof-system/configmaps/nodeproof-epoch";
  static constexpr const char* kEvidence = "/apis/nodeproof.dev/v1alpha1/nodeevidences/node-1";
  static constexpr const char* kQuote = "/apis/nodeproof.dev/v1alpha1/nodequotes/node-1";

  std::map<std::string, std::string> objects;
  std::vector<std::string> requests;  // "PUT path"
  // Called before every request; may throw or change `objects`.
  std::function<void(const std::string& request)> before = [](const std::string&) {};

  // Fields of spec that the CustomResourceDefinitions are too old to know: dropped as they are stored.
  std::vector<std::string> pruned;

  // What a cluster with our webhook holds.
  void fill() {
    objects[kNode] = R"({"kind":"Node","apiVersion":"v1","metadata":{"name":"node-1","uid":")" + kNodeUid +
                     R"(","resourceVersion":"1"}})";
    set_epoch(7);
  }
  void set_epoch(std::uint64_t number) {
    objects[kEpoch] = wire::epoch_config_map(epoch_of(number), "nodeproof-system");
  }
  std::size_t count(const std::string& request) const {
    return static_cast<std::size_t>(std::count(requests.begin(), requests.end(), request));
  }

  std::optional<std::string> get_if_exists(const std::string& path) override {
    note("GET " + path);
    const auto found = objects.find(path.substr(0, path.find('?')));
    if (found == objects.end()) return std::nullopt;
    return found->second;
  }
  std::string create(const std::string& collection, const std::string& json) override {
    note("POST " + collection);
    const auto object = web::json::value::parse(json);
    const std::string path = collection + "/" + object.at("metadata").at("name").as_string();
    if (objects.contains(path)) throw kube::ApiError(409, "AlreadyExists", path + " exists");
    return store(path, object);
  }
  std::string replace(const std::string& path, const std::string& json) override {
    note("PUT " + path);
    const auto object = web::json::value::parse(json);
    if (!objects.contains(path)) throw kube::ApiError(404, "NotFound", path + " is gone");
    const auto stored = web::json::value::parse(objects[path]);
    if (version(stored) != version(object)) throw kube::ApiError(409, "Conflict", path + " has changed");
    return store(path, object);
  }

 private:
  static std::string version(const web::json::value& object) {
    return object.at("metadata").at("resourceVersion").as_string();
  }
  void note(const std::string& request) {
    requests.push_back(request);
    before(request);
  }
  std::string store(const std::string& path, web::json::value object) {
    object["metadata"]["resourceVersion"] = web::json::value::string(std::to_string(++versions_));
    for (const std::string& field : pruned) {
      if (object["spec"].has_field(field)) object["spec"].erase(field);
    }
    return objects[path] = object.serialize();
  }
  int versions_ = 100;
};

}  // namespace nodeproof::agent
