// How this process uses the heap of glibc.
#pragma once

namespace nodeproof::webhook {

// Once, before the first thread. Left alone, glibc gives threads heaps of their own, which never shrink, and
// keeps large blocks that were freed: after reading the lists of a large cluster four times the memory
// stays resident that is in use.
void bound_heap();

// Gives the system back whole pages that lie free between blocks in use: after the lists of a large cluster
// a tenth of the memory. Takes milliseconds, in which who allocates waits.
void return_free_heap();

}  // namespace nodeproof::webhook
