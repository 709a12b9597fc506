#include "webhook/pass_failures.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace nodeproof::webhook {

void PassFailures::add(const std::string& object, const std::string& why) {
  if (now_.count++ == 0) now_.first = object + ": " + why;
}

void PassFailures::end() {
  if (now_ == told_) return;
  told_ = std::exchange(now_, {});
  if (told_.count == 0) {
    spdlog::info("{} works again", work_);
  } else if (told_.count == 1) {
    spdlog::warn("{} failed and is tried again: {}", work_, told_.first);
  } else {
    spdlog::warn("{} failed for {} of them and is tried again, first {}", work_, told_.count, told_.first);
  }
}

}  // namespace nodeproof::webhook
