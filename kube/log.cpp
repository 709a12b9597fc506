#include "kube/log.hpp"

#include <spdlog/details/os.h>
#include <spdlog/formatter.h>
#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>

#include "base/time.hpp"
#include "wire/json_text_writer.hpp"

namespace nodeproof::kube {
namespace {

constexpr std::size_t kMaxText = 8192;  // bytes of one text in a line
// Marks lines whose payload is the members of an object, made by log_event alone: what a message quotes of
// evidence can never become a field.
constexpr std::string_view kMembers = "/members";

// Set before threads log.
std::shared_ptr<spdlog::logger>& members_logger() {
  static std::shared_ptr<spdlog::logger> logger;
  return logger;
}

// RFC 3339 in UTC with milliseconds.
std::string time_text(spdlog::log_clock::time_point time) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(time);
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(time - whole).count();
  std::string fraction = std::to_string(1000 + millis);
  fraction.front() = '.';
  std::string out = to_rfc3339(UnixTime(whole));
  out.insert(out.size() - 1, fraction);
  return out;
}

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& msg, spdlog::memory_buf_t& to) override {
    std::string_view logger(msg.logger_name.data(), msg.logger_name.size());
    const std::string_view payload(msg.payload.data(), msg.payload.size());
    const bool members = logger.ends_with(kMembers);
    if (members) logger.remove_suffix(kMembers.size());
    const auto level = spdlog::level::to_string_view(msg.level);
    wire::JsonWriter line;
    line.begin_object();
    line.key("time").text(time_text(msg.time));
    line.key("level").text({level.data(), level.size()});
    line.key("logger").text(logger);
    if (!members) line.key("message").text(payload, kMaxText);
    line.end_object();
    std::string text = std::move(line).str();
    if (members) text.replace(text.size() - 1, 1, "," + std::string(payload) + "}");
    text += '\n';
    to.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

// Without the brackets of the object.
std::string members_of(const std::string& message, LogFields fields) {
  wire::JsonWriter out;
  out.begin_object();
  out.key("message").text(message, kMaxText);
  for (const auto& [name, value] : fields) out.key(name).text(value, kMaxText);
  out.end_object();
  const std::string object = std::move(out).str();
  return object.substr(1, object.size() - 2);
}

}  // namespace

std::optional<LogFormat> parse_log_format(std::string_view text) {
  if (text == "text") return LogFormat::kText;
  if (text == "json") return LogFormat::kJson;
  return std::nullopt;
}

void set_log_format(LogFormat format) {
  members_logger().reset();
  if (format == LogFormat::kText) return;
  const auto logger = spdlog::default_logger();
  logger->set_formatter(std::make_unique<JsonFormatter>());
  members_logger() = logger->clone(logger->name() + std::string(kMembers));
}

void log_event(spdlog::level::level_enum level, const std::string& message, LogFields fields) {
  if (const auto& logger = members_logger()) return logger->log(level, "{}", members_of(message, fields));
  spdlog::log(level, "{}", message);
}

}  // namespace nodeproof::kube
