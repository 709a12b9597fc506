// The certificates that vouch for this machine's SNP reports: VCEK, ASK and ARK. They come from the
// host's endorsement cache (THIM, azure-evidence 5.1) and authenticate themselves, so nothing is
// verified here: only that they belong to the report at hand.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

#include "attest/tcb.hpp"
#include "base/bytes.hpp"

namespace nodeproof::agent {

inline constexpr std::size_t kThimReplyLimit = 64U << 10U;  // a real reply has some 6 KiB

// Which VCEK a report needs: AMD derives it from the chip and its REPORTED_TCB.
struct EndorsementKey {
  ByteArray<64> chip_id{};
  attest::TcbVersion tcb;
  bool operator==(const EndorsementKey&) const = default;
};

// No usable endorsements now; the message says why and what to do. Trying again later may help.
class EndorsementError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class EndorsementSource {
 public:
  virtual ~EndorsementSource() = default;
  // DER, the VCEK first. Throws EndorsementError; a stop ends it early, with that error.
  virtual std::vector<Bytes> endorsements(const EndorsementKey& key, const std::stop_token& stop) = 0;
};

// `certificates`: DER, the VCEK first. An Error when that was made for another chip or TCB: then no report of
// ours verifies under it.
Status check_belongs(const std::vector<Bytes>& certificates, const EndorsementKey& key);

// vcekCert, then certificateChain, as DER. Unknown members are tolerated.
Result<std::vector<Bytes>> parse_thim_reply(ByteView json);

// Fetches from THIM once per chip and TCB, so that no outage of the host's services after that can
// take a node's proof. The reply is kept on disk for later starts; a disk that cannot be read or
// written costs a log line, nothing else. One thread.
class CachedEndorsements final : public EndorsementSource {
 public:
  // Gives the body of a THIM reply; throws EndorsementError.
  using Fetch = std::function<Bytes(const std::stop_token&)>;

  CachedEndorsements(Fetch fetch, std::filesystem::path directory);
  std::vector<Bytes> endorsements(const EndorsementKey& key, const std::stop_token& stop) override;

 private:
  std::filesystem::path file_for(const EndorsementKey& key) const;
  std::vector<Bytes> fetched(const EndorsementKey& key, const std::stop_token& stop) const;
  std::optional<std::vector<Bytes>> cached(const EndorsementKey& key) const;
  void keep(const EndorsementKey& key, ByteView reply) const;

  Fetch fetch_;
  std::filesystem::path directory_;
  EndorsementKey last_key_;
  std::vector<Bytes> last_;  // for last_key_; empty before the first
};

}  // namespace nodeproof::agent
