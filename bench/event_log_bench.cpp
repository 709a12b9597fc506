#include "bench/event_log_bench.hpp"

#include <openssl/evp.h>

#include <array>
#include <memory>
#include <stdexcept>

#include "attest/boot_log.hpp"
#include "base/unique_handle.hpp"
#include "bench/comparison.hpp"
#include "tests/support/event_log_parts.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::bench {
namespace {

constexpr double kTarget = 0.84;  // at most 1.2 times the hashing
// Few of its events have data that a digest covers, so that parsing weighs the more.
constexpr double kRecordedTarget = 0.6;
constexpr int kBatch = 10;
constexpr std::size_t kEvents = 400;
constexpr std::size_t kDataSize = 150;
constexpr const char* kRecorded = "event-logs/gdc-host.bin";

void require(bool succeeded, const char* what) {
  if (!succeeded) throw std::runtime_error(std::string("event log: ") + what);
}

// As many events as a long boot has, in the three banks that Azure's vTPM may have; 60 kB of data.
Bytes forged_log() {
  std::vector<attest::LogEvent> events = forge::make_secure_boot_events();
  while (events.size() < kEvents) {
    std::string command = "grub_cmd: " + std::to_string(events.size());
    command.resize(kDataSize, 'x');
    events.push_back(forge::make_event(8, attest::kEvIpl, command));
  }
  attest::EventLog log = forge::log_of(std::move(events));
  log.spec_id->algorithms.push_back({attest::kTpmAlgSha1, 20});
  for (attest::LogEvent& event : log.events) event.digests.push_back({attest::kTpmAlgSha1, Bytes(20, 1)});
  return attest::serialize_event_log(log);
}

// The hashing that a log asks for and nothing else: SHA-256 over each event's data where its digest covers
// that, and the extends. Parsed beforehand; one context, the algorithm looked up once.
class PureHashing {
 public:
  explicit PureHashing(ByteView bytes)
      : log_(attest::parse_event_log(bytes).value()),
        algorithm_(EVP_MD_fetch(nullptr, "SHA256", nullptr)),
        context_(EVP_MD_CTX_new()) {
    require(algorithm_ != nullptr && context_ != nullptr, "EVP_MD_fetch");
    for (const attest::LogEvent& event : log_.events) {
      if (event.type == attest::kEvNoAction) continue;
      for (const attest::EventDigest& digest : event.digests) {
        if (digest.algorithm == attest::kTpmAlgSha256)
          steps_.push_back(
              {event.pcr, digest.digest, event.data, equal(hash(event.data, {}), digest.digest)});
      }
    }
    require(!steps_.empty(), "no event has a SHA-256 digest");
  }

  void run() {
    pcrs_ = {};
    for (const Step& step : steps_) {
      if (step.covered) require(equal(hash(step.data, {}), step.digest), "a digest is not that of its data");
      pcrs_.at(step.pcr) = hash(pcrs_.at(step.pcr), step.digest);
    }
  }

 private:
  struct Step {
    std::uint32_t pcr;
    ByteView digest;
    ByteView data;
    bool covered;
  };

  Sha256Digest hash(ByteView first, ByteView second) {
    Sha256Digest out{};
    unsigned size = 0;
    require(EVP_DigestInit_ex2(context_.get(), algorithm_.get(), nullptr) == 1 &&
                EVP_DigestUpdate(context_.get(), first.data(), first.size()) == 1 &&
                (second.empty() || EVP_DigestUpdate(context_.get(), second.data(), second.size()) == 1) &&
                EVP_DigestFinal_ex(context_.get(), out.data(), &size) == 1,
            "EVP_Digest");
    return out;
  }

  attest::EventLog log_;
  UniqueHandle<EVP_MD, EVP_MD_free> algorithm_;
  UniqueHandle<EVP_MD_CTX, EVP_MD_CTX_free> context_;
  std::vector<Step> steps_;
  std::array<Sha256Digest, attest::kPcrCount> pcrs_{};
};

void add_log(const std::string& name, Bytes bytes, double target) {
  const auto log = std::make_shared<Bytes>(std::move(bytes));
  const auto pure = std::make_shared<PureHashing>(*log);
  const auto read = [=] { require(attest::read_boot_log(*log).has_value(), "it is not read"); };
  read();
  add({"verify/event log/" + name, read, [=] { pure->run(); }, target, kBatch});
}

}  // namespace

void add_event_logs() {
  add_log("400 events of 150 bytes", forged_log(), kTarget);
  if (!vectors::folder().empty()) add_log("recorded", vectors::file(kRecorded), kRecordedTarget);
}

}  // namespace nodeproof::bench
