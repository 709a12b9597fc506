#include "webhook/heap.hpp"

#include <malloc.h>

namespace nodeproof::webhook {
namespace {

constexpr int kArenas = 2;
// Pages of a list and what is parsed from them lie above and are returned as soon as they are freed.
constexpr int kReturnedFrom = 256 << 10;

}  // namespace

void bound_heap() {
  ::mallopt(M_ARENA_MAX, kArenas);
  ::mallopt(M_MMAP_THRESHOLD, kReturnedFrom);
  ::mallopt(M_TRIM_THRESHOLD, kReturnedFrom);
}

void return_free_heap() {
  ::malloc_trim(0);
}

}  // namespace nodeproof::webhook
