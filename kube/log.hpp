// How our programs log: for people, or a JSON object a line for programs that collect logs.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <spdlog/common.h>

namespace nodeproof::kube {

enum class LogFormat { kText, kJson };
std::optional<LogFormat> parse_log_format(std::string_view text);  // "text", "json"

// Sets the format of spdlog's default logger. Once, before other threads log; that logger must stay.
void set_log_format(LogFormat format);

using LogFields = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// A line that programs act on, such as a change of a node's phase: `message` says everything to people,
// `fields` are members of their own in JSON. Names of fields are plain words of ours.
void log_event(spdlog::level::level_enum level, const std::string& message, LogFields fields);

}  // namespace nodeproof::kube
