// nodeproof-emulator: one Azure confidential node for people without the hardware.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iostream>

#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "tests/emulator/authority.hpp"
#include "tests/emulator/paravisor.hpp"
#include "tests/emulator/swtpm.hpp"
#include "tests/emulator/thim_server.hpp"
#include "tests/emulator/tpm_server.hpp"

namespace nodeproof::emulator {
namespace {

constexpr int kUsageError = 2;
constexpr int kEnvironmentError = 3;

constexpr const char* kAbout =
    R"(Emulates one Azure confidential VM, so that Nodeproof can be tried without the hardware: a software
TPM provisioned as Azure's vTPM (AK at 0x81000003, its certificate in NV 0x01C101D0, the paravisor's
report in NV 0x01400001) and a stand-in for the host's endorsement service (THIM).

Evidence of an emulated node proves nothing. Give its trust anchors only to clusters that guard nothing.

  1. Make the stand-in AMD and Microsoft, once:
       nodeproof-emulator make-authority --dir authority
  2. Start a node; it prints one line of JSON when it is ready, then runs until Ctrl-C:
       nodeproof-emulator run --authority authority --state node-1 \
         --vm-id 6f9d0f6c-3c0a-4a51-9f43-4d0a5f3c2b10
  3. Point the agent at it: --tcti and, in its configuration, `thim`, by the values of that line.
  4. Let the webhook trust it, in its configuration:
       trustAnchors: {amd: authority/amd-ark.pem, vtpm: authority/vtpm-trust-anchors.pem}
       referenceValues: authority/reference-values.yaml
)";

struct MakeOptions {
  std::string folder;
  unsigned rsa_bits = 4096;
};

struct RunOptions {
  std::string authority;
  std::string state;
  std::string vm_id;
  std::string product = "Milan";
  std::uint16_t port = 0;
  std::uint16_t thim_port = 0;
  bool swap_ak = false;
  bool no_ak_certificate = false;
  bool no_provisioning = false;
};

// One line that scripts read: how to reach the node.
void announce(const RunOptions& options, const TpmServer& tpm, const ThimServer& thim) {
  std::cout << R"({"tcti":"swtpm:host=127.0.0.1,port=)" << tpm.port() << R"(","thim":"http://127.0.0.1:)"
            << thim.port() << R"(","vmId":")" << options.vm_id << R"(","pid":)" << ::getpid() << "}"
            << std::endl;
}

void provision(Paravisor& paravisor, const RunOptions& options, const Authority& authority, UnixTime now) {
  if (options.no_provisioning) {
    spdlog::info("the TPM stays as delivered: an ordinary VM, which can prove nothing");
    return;
  }
  paravisor.measure_boot();
  paravisor.provision(authority.vtpm, !options.no_ak_certificate, now);
  if (options.no_ak_certificate) spdlog::info("there is no AK certificate in NV");
  if (options.swap_ak) {
    paravisor.swap_ak();
    spdlog::warn("another key is in the AK's place; report and AK certificate are the old ones");
  }
}

int make(const MakeOptions& options) {
  make_authority(options.folder, options.rsa_bits, SystemClock().now());
  spdlog::info("made stand-ins for AMD and Microsoft in {}", options.folder);
  spdlog::warn(
      "whoever holds {} can forge evidence that a verifier trusting it accepts: demos and tests only",
      options.folder);
  return 0;
}

int run(RunOptions options) {
  auto product = attest::parse_product(options.product, "--product");
  auto vm_id = uuid_any_case(options.vm_id, "--vm-id");
  if (!product || !vm_id) {
    spdlog::error("{}", to_string(product ? vm_id.error() : product.error()));
    return kUsageError;
  }
  options.vm_id = *vm_id;

  const UnixTime now = SystemClock().now();
  const Authority authority = load_authority(options.authority, *product);
  const Machine machine = open_machine(options.state, options.vm_id, authority, now);

  boost::asio::io_context context;
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&context](boost::system::error_code error, int) {
    if (!error) context.stop();
  });

  Swtpm swtpm(std::filesystem::path(options.state) / "tpm");
  TpmCommands commands([&swtpm](ByteView command) { return swtpm.transmit(command); });
  Paravisor paravisor(commands, machine);
  provision(paravisor, options, authority, now);

  const TpmServer tpm(context, options.port, [&](ByteView command) {
    paravisor.before(command);
    return swtpm.transmit(command);
  });
  const ThimServer thim(context, options.thim_port,
                        thim_reply(machine.vcek.certificate, authority.amd, forge::kTcb));
  announce(options, tpm, thim);
  spdlog::info("emulating VM {} ({}) until SIGINT or SIGTERM", options.vm_id, options.product);
  context.run();
  commands.shut_down();
  spdlog::info("stopped; {} keeps the machine", options.state);
  return 0;
}

void add_make(CLI::App& app, MakeOptions& options) {
  CLI::App* command = app.add_subcommand("make-authority", "Make the stand-ins for AMD and Microsoft");
  command->add_option("--dir", options.folder, "Folder to make; it will hold private keys (mode 0600)")
      ->required();
  command->add_option("--rsa-bits", options.rsa_bits, "Size of the AMD stand-in's RSA keys; AMD's have 4096")
      ->check(CLI::IsMember({2048U, 3072U, 4096U}))
      ->capture_default_str();
}

void add_run(CLI::App& app, RunOptions& options) {
  CLI::App* command = app.add_subcommand("run", "Run one node until SIGINT or SIGTERM");
  command->add_option("--authority", options.authority, "Folder that make-authority made")->required();
  command
      ->add_option("--state", options.state,
                   "Folder of this machine, made when absent; the same folder is the same machine with the "
                   "same AK, and each start is a reboot of it")
      ->required();
  command->add_option("--vm-id", options.vm_id, "UUID of the VM; the Node's systemUUID should be the same")
      ->required();
  command->add_option("--product", options.product, "Whose chip it claims to be")
      ->check(CLI::IsMember({"Milan", "Genoa"}))
      ->capture_default_str();
  command
      ->add_option("--port", options.port,
                   "Port of the TPM on 127.0.0.1; the next one is taken too; 0: any free ones")
      ->capture_default_str();
  command->add_option("--thim-port", options.thim_port, "Port of THIM on 127.0.0.1; 0: any free one")
      ->capture_default_str();
  command->add_flag("--swap-ak", options.swap_ak,
                    "Act out an attack: put another key in the AK's place and keep the old report and "
                    "certificate. A verifier must refuse the quotes");
  command->add_flag("--no-ak-certificate", options.no_ak_certificate, "Leave the AK without certificate");
  command->add_flag("--no-tpm-provisioning", options.no_provisioning,
                    "Leave the TPM as it is: in a new machine no AK, no report, no certificate, as in an "
                    "ordinary VM");
}

int main_of(int argc, char** argv) {
  spdlog::set_default_logger(spdlog::stderr_color_mt("nodeproof-emulator"));
  CLI::App app{kAbout, "nodeproof-emulator"};
  app.set_version_flag("--version", NODEPROOF_VERSION);
  app.require_subcommand(1);
  MakeOptions make_options;
  RunOptions run_options;
  add_make(app, make_options);
  add_run(app, run_options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsageError;
  }
  try {
    return app.got_subcommand("run") ? run(run_options) : make(make_options);
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    return kEnvironmentError;
  }
}

}  // namespace
}  // namespace nodeproof::emulator

int main(int argc, char** argv) {
  return nodeproof::emulator::main_of(argc, argv);
}
