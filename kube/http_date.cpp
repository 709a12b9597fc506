#include "kube/http_date.hpp"

#include <array>
#include <string>

namespace nodeproof::kube {
namespace {

constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::size_t kLength = 29;

}  // namespace

Result<UnixTime> parse_http_date(std::string_view text) {
  const Error bad{Errc::kBadValue, "Date header", "is not an IMF-fixdate"};
  if (text.size() != kLength || text.substr(3, 2) != ", " || !text.ends_with(" GMT")) return bad;
  if (text[7] != ' ' || text[11] != ' ' || text[16] != ' ') return bad;
  for (std::size_t month = 0; month < kMonths.size(); ++month) {
    if (text.substr(8, 3) != kMonths[month]) continue;
    const std::string number = std::to_string(month + 1);
    // The same numbers in RFC 3339's order, whose parser judges them.
    const std::string iso = std::string(text.substr(12, 4)) + (number.size() == 1 ? "-0" : "-") + number +
                            "-" + std::string(text.substr(5, 2)) + "T" + std::string(text.substr(17, 8)) +
                            "Z";
    return parse_rfc3339(iso, "Date header");
  }
  return bad;
}

}  // namespace nodeproof::kube
