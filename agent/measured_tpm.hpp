// A TPM whose every operation is timed.
#pragma once

#include <chrono>

#include "agent/metrics.hpp"
#include "agent/tpm.hpp"

namespace nodeproof::agent {

// Gives what the TPM behind it gives, and throws what that throws. Threads as that one.
class MeasuredTpm final : public Tpm {
 public:
  MeasuredTpm(Tpm& tpm, Metrics& metrics) : tpm_(tpm), metrics_(metrics) {}  // borrowed

  bool has_ak() override {
    const Watch watch(metrics_, TpmOperation::kOther);
    return tpm_.has_ak();
  }
  bool has_nv(std::uint32_t index) override {
    const Watch watch(metrics_, TpmOperation::kOther);
    return tpm_.has_nv(index);
  }
  Bytes read_nv(std::uint32_t index) override {
    const Watch watch(metrics_, TpmOperation::kReadNv);
    return tpm_.read_nv(index);
  }
  void write_user_data(const Sha512Digest& value) override {
    const Watch watch(metrics_, TpmOperation::kOther);
    tpm_.write_user_data(value);
  }
  attest::PcrValues read_pcrs(attest::PcrSelection selection) override {
    const Watch watch(metrics_, TpmOperation::kOther);
    return tpm_.read_pcrs(selection);
  }
  RawQuote quote(attest::PcrSelection selection, const Sha256Digest& qualifying_data) override {
    const Watch watch(metrics_, TpmOperation::kQuote);
    return tpm_.quote(selection, qualifying_data);
  }
  ByteArray<32> activate(const attest::Credential& credential) override {
    const Watch watch(metrics_, TpmOperation::kActivate);
    return tpm_.activate(credential);
  }

 private:
  // Observes when it goes, however the operation ended.
  class Watch {
   public:
    Watch(Metrics& metrics, TpmOperation operation) : metrics_(metrics), operation_(operation) {}
    ~Watch() { metrics_.observe_tpm(operation_, std::chrono::steady_clock::now() - began_); }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Metrics& metrics_;
    TpmOperation operation_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  };

  Tpm& tpm_;
  Metrics& metrics_;
};

}  // namespace nodeproof::agent
