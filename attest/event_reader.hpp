// Reads an event log record by record without copying it: what parse_event_log and read_boot_log have in
// common. For attest's own .cpp files; event_log.hpp says what a log is.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>

#include "attest/event_log.hpp"

namespace nodeproof::attest {

inline constexpr std::size_t kMaxBanks = 16;
inline constexpr std::size_t kSpecIdSignatureSize = 16;
// "Spec ID Event03" and its NUL.
inline constexpr std::string_view kSpecIdSignature{"Spec ID Event03", kSpecIdSignatureSize};

struct DigestView {
  std::uint16_t algorithm = 0;
  ByteView digest;
};

// A LogEvent whose bytes are borrowed from the log.
struct EventView {
  std::size_t offset = 0;
  std::uint32_t pcr = 0;
  std::uint32_t type = 0;
  std::array<DigestView, kMaxBanks> banks{};  // the first digest_count of them
  std::size_t digest_count = 0;
  ByteView data;

  std::span<const DigestView> digests() const { return {banks.data(), digest_count}; }
  // Empty when the event has none of this bank.
  ByteView digest_of(std::uint16_t bank) const;
};

class EventReader {
 public:
  // Reads the Spec ID record where there is one. `log` is borrowed.
  static Result<EventReader> open(ByteView log);

  const std::optional<SpecId>& spec_id() const { return spec_id_; }
  // Reads an event into `event`; false at the end of the log or at its padding. After an Error the log is
  // done with.
  Result<bool> next(EventView& event);
  // What next() has not read: the padding, once it said false.
  ByteView rest() const { return log_.subspan(at_); }

 private:
  explicit EventReader(ByteView log) : log_(log) {}
  Status spec_id_record();
  Status legacy(EventView& event);
  Status agile(EventView& event);
  Status head(EventView& event);
  Status digest(EventView& event);
  Status data(EventView& event);
  Result<ByteView> take(std::size_t count, std::string_view field);
  Result<std::uint32_t> u32(std::string_view field);
  Error error(Errc code, std::string_view field, std::size_t offset, std::string detail) const;
  std::string named(std::string_view field) const;

  ByteView log_;
  std::size_t at_ = 0;
  std::size_t events_ = 0;  // read so far, without the Spec ID record
  std::optional<SpecId> spec_id_;
};

}  // namespace nodeproof::attest
