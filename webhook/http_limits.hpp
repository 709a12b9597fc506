// Every limit and deadline of the listening edge, each with its reason. The edge is reachable by any
// pod, and with failurePolicy Fail its availability is that of all enrolled namespaces: nothing a
// peer sends may take memory, descriptors, a thread or time without an end.
#pragma once

#include <chrono>
#include <cstddef>

namespace nodeproof::webhook {

// API objects are limited to some 1.5 MiB by etcd and 3 MiB by the API server's own request limit; an
// AdmissionReview of an UPDATE carries two, of which ours (Pods, Bindings, policies) are far smaller.
inline constexpr std::size_t kBodyLimit = 3u << 20;
// Request line and header fields together. The API server sends well under 1 KiB.
inline constexpr std::size_t kHeaderLimit = 16u << 10;
// All bodies that are held at one time, whoever sent them: bounds memory at any number of connections.
inline constexpr std::size_t kBodiesLimit = 96u << 20;

// One deadline per phase, not per read, so that a byte a second does not extend it.
inline constexpr std::chrono::milliseconds kHandshakeTime{5'000};  // half of the API server's own 10 s
inline constexpr std::chrono::milliseconds kHeaderTime{5'000};     // from the request's first byte
inline constexpr std::chrono::milliseconds kBodyTime{10'000};      // 3 MiB at 300 kB/s
inline constexpr std::chrono::milliseconds kWriteTime{10'000};     // an answer is a few kB: the peer is gone
// Longer than client-go's 90 s: if we were the side that closes, a review could race with the close.
inline constexpr std::chrono::milliseconds kIdleTime{120'000};
// The API server waits 10 s for a webhook unless told otherwise; an answer after that is for nobody.
inline constexpr std::chrono::milliseconds kHandlerTime{10'000};
// How long what a refused client still sends is thrown away, so that it reads our answer and not a reset.
inline constexpr std::chrono::milliseconds kLingerTime{2'000};
// How often deadlines are looked at; a deadline can be late by this much.
inline constexpr std::chrono::milliseconds kDeadlineTick{200};

// Three API servers with 1 000 reviews in flight each, and room for probes and for strangers.
inline constexpr std::size_t kMaxConnections = 4'096;
// At this many unfinished handshakes accepting pauses (a burst waits in the backlog) and handshakes
// older than kPressedHandshakeTime are dropped: in a cluster an honest one takes milliseconds.
inline constexpr std::size_t kMaxHandshakes = 1'024;
inline constexpr std::chrono::milliseconds kPressedHandshakeTime{1'000};
// At kMaxConnections the connections that wait longest without a request are closed, this share at a
// time, rather than the next client refused: whoever opens idle connections must not lock others out.
inline constexpr std::size_t kEvictionShare = 16;
// Connections that one burst of the API servers opens before we come to accept them.
inline constexpr int kListenBacklog = 1'024;
// Without descriptors every accept fails at once; trying without a pause takes a whole core.
inline constexpr std::chrono::milliseconds kAcceptBackOff{75};

// A handler may wait for a GET to the API server on a cache miss: a few at a time, then a bounded
// queue, then 503 at once, which the API server can act on sooner than on a time-out.
inline constexpr std::size_t kWorkers = 4;
inline constexpr std::size_t kQueueLimit = 1'024;

// The set that one server uses; tests give shorter ones.
struct HttpLimits {
  std::size_t body = kBodyLimit;
  std::size_t header = kHeaderLimit;
  std::size_t bodies = kBodiesLimit;
  std::chrono::milliseconds handshake_time = kHandshakeTime;
  std::chrono::milliseconds header_time = kHeaderTime;
  std::chrono::milliseconds body_time = kBodyTime;
  std::chrono::milliseconds write_time = kWriteTime;
  std::chrono::milliseconds idle_time = kIdleTime;
  std::chrono::milliseconds handler_time = kHandlerTime;
  std::chrono::milliseconds linger_time = kLingerTime;
  std::chrono::milliseconds deadline_tick = kDeadlineTick;
  std::chrono::milliseconds pressed_handshake_time = kPressedHandshakeTime;
  std::size_t connections = kMaxConnections;
  std::size_t handshakes = kMaxHandshakes;
  std::size_t workers = kWorkers;
  std::size_t queue = kQueueLimit;  // requests that wait for a worker
};

}  // namespace nodeproof::webhook
