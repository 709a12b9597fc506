// What hostile and broken clients send: a table of attacks on one port of the webhook, each with what must
// come of it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace nodeproof::test {

struct Target {
  std::uint16_t port = 0;
  bool tls = true;
  std::string path;  // of a GET that the port answers with `status`
  int status = 200;
};

struct Attack {
  std::string name;
  // Empty when what had to happen happened, else what did.
  std::function<std::string(const Target&)> run;
};

std::vector<Attack> quick_attacks();  // end at once; for TLS and for plain ports
// Bodies that are no review, and other requests, for the path that answers reviews; end at once.
std::vector<Attack> review_attacks(const std::string& path);
std::vector<Attack> large_attacks();  // send tens of megabytes; for both
std::vector<Attack> slow_attacks();   // end by a deadline of the edge, up to 10 s; for both
std::vector<Attack> tls_attacks();    // on the handshake; end at once
std::vector<Attack> slow_tls_attacks();

}  // namespace nodeproof::test
