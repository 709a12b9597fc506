// A stand-in for the endorsement cache of Azure's hosts (THIM, azure-evidence 5.1):
// GET /metadata/THIM/amd/certification with the header "Metadata: true".
#pragma once

#include <boost/asio/io_context.hpp>
#include <string>

#include "tests/emulator/authority.hpp"
#include "tests/emulator/loopback.hpp"

namespace nodeproof::emulator {

// The reply's body: the VCEK, then ASK and ARK, and the TCB they are for.
std::string thim_reply(const attest::Certificate& vcek, const forge::AmdAuthority& authority,
                       const attest::TcbVersion& tcb);

// Must outlive io_context::run.
class ThimServer {
 public:
  ThimServer(boost::asio::io_context& context, std::uint16_t port, std::string reply);
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  std::string reply_;
  Tcp::acceptor acceptor_;
};

}  // namespace nodeproof::emulator
