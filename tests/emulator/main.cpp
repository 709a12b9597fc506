// nodeproof-emulator: one Azure node for people without the hardware.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>

#include "base/clock.hpp"
#include "base/uuid.hpp"
#include "tests/emulator/attestation_key.hpp"
#include "tests/emulator/authority.hpp"
#include "tests/emulator/firmware.hpp"
#include "tests/emulator/machine.hpp"
#include "tests/emulator/paravisor.hpp"
#include "tests/emulator/swtpm.hpp"
#include "tests/emulator/thim_server.hpp"
#include "tests/emulator/tpm_server.hpp"

namespace nodeproof::emulator {
namespace {

constexpr int kUsageError = 2;
constexpr int kEnvironmentError = 3;

constexpr const char* kAbout =
    R"(Emulates one Azure VM, so that Nodeproof can be tried without the hardware: a software TPM provisioned
as Azure's vTPM (AK at 0x81000003, its certificate in NV 0x01C101D0, the boot measured into its PCRs) and
a folder with what the VM's kernel would show under /sys: the event log of that boot and EFI facts. A
confidential VM, the default, also has the paravisor's report in NV 0x01400001 and a stand-in for the
host's endorsement service (THIM); one with Trusted Launch has neither.

Evidence of an emulated node proves nothing. Give its trust anchors only to clusters that guard nothing.

  1. Make the stand-in AMD and Microsoft, once:
       nodeproof-emulator make-authority --dir authority
  2. Start a node; it prints one line of JSON when it is ready, then runs until Ctrl-C:
       nodeproof-emulator run --authority authority --state node-1 \
         --vm-id 6f9d0f6c-3c0a-4a51-9f43-4d0a5f3c2b10
  3. Point the agent at it by the values of that line: --tcti and, in its configuration,
       thim: <thim>
       eventLogFile: <sys>/kernel/security/tpm0/binary_bios_measurements
       efivarsDirectory: <sys>/firmware/efi/efivars
       lockdownFile: <sys>/kernel/security/lockdown
  4. Let the webhook trust it, in its configuration:
       trustAnchors: {amd: authority/amd-ark.pem, vtpm: authority/vtpm-trust-anchors.pem}
       referenceValues: authority/reference-values.yaml
)";

constexpr const char* kTrustedLaunch = "trusted-launch";

struct MakeOptions {
  std::string folder;
  unsigned rsa_bits = 4096;
};

struct RunOptions {
  std::string authority;
  std::string state;
  std::string vm_id;
  std::string class_name = "confidential";
  std::string product = "Milan";
  std::uint16_t port = 0;
  std::uint16_t thim_port = 0;
  std::string secure_boot = "on";
  bool tamper_boot = false;
  bool no_event_log = false;
  bool swap_ak = false;
  bool no_ak_certificate = false;
  bool no_provisioning = false;

  NodeClass node_class() const {
    return class_name == kTrustedLaunch ? NodeClass::kTrustedLaunch : NodeClass::kConfidential;
  }
  BootOptions boot() const { return {secure_boot == "on", tamper_boot, !no_event_log}; }
  std::filesystem::path sys() const { return std::filesystem::absolute(state) / "sys"; }
};

// One line that scripts read: how to reach the node. A Trusted Launch VM has no THIM.
void announce(const RunOptions& options, const TpmServer& tpm, const std::optional<ThimServer>& thim) {
  std::cout << R"({"tcti":"swtpm:host=127.0.0.1,port=)" << tpm.port() << '"';
  if (thim) std::cout << R"(,"thim":"http://127.0.0.1:)" << thim->port() << '"';
  std::cout << R"(,"sys":)" << std::quoted(options.sys().string()) << R"(,"vmId":")" << options.vm_id
            << R"(","pid":)" << ::getpid() << "}" << std::endl;
}

// What happens to a VM before its guest runs. The paravisor, where there is one and it has a report.
std::unique_ptr<Paravisor> start(TpmCommands& tpm, const RunOptions& options, const Machine& machine,
                                 const Authority& authority, UnixTime now) {
  if (options.no_provisioning) {
    spdlog::info("the TPM stays as delivered: an ordinary VM, which can prove nothing");
    return nullptr;
  }
  const BootOptions boot = options.boot();
  show_boot(options.sys(), measure_boot(tpm, options.vm_id, boot), boot);
  if (boot.tampered) spdlog::warn("another kernel was measured than the event log tells of");
  make_attestation_key(tpm);
  if (options.no_ak_certificate) {
    remove_certificate(tpm);
    spdlog::info("there is no AK certificate in NV");
  } else {
    certify_attestation_key(tpm, authority.vtpm, options.node_class(), now);
  }
  auto paravisor = machine.chip ? std::make_unique<Paravisor>(tpm, machine, boot.secure_boot) : nullptr;
  if (options.swap_ak) {
    if (paravisor) paravisor->stop_reporting();
    swap_attestation_key(tpm);
    spdlog::warn("another key is in the AK's place; report and AK certificate are the old ones");
  }
  return paravisor;
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
  const Machine machine = open_machine(options.state, options.vm_id, options.node_class(), authority, now);

  boost::asio::io_context context;
  boost::asio::signal_set signals(context, SIGINT, SIGTERM);
  signals.async_wait([&context](boost::system::error_code error, int) {
    if (!error) context.stop();
  });

  Swtpm swtpm(std::filesystem::path(options.state) / "tpm");
  TpmCommands commands([&swtpm](ByteView command) { return swtpm.transmit(command); });
  const std::unique_ptr<Paravisor> paravisor = start(commands, options, machine, authority, now);

  const TpmServer tpm(context, options.port, [&](ByteView command) {
    if (paravisor) paravisor->before(command);
    return swtpm.transmit(command);
  });
  std::optional<ThimServer> thim;
  if (machine.chip) {
    thim.emplace(context, options.thim_port,
                 thim_reply(machine.chip->vcek.certificate, authority.amd, forge::kTcb));
  }
  announce(options, tpm, thim);
  spdlog::info("emulating VM {} ({}) until SIGINT or SIGTERM", options.vm_id,
               machine.chip ? options.product : "Trusted Launch");
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
  command
      ->add_option("--class", options.class_name, "What it is: a confidential VM, or one with Trusted Launch")
      ->check(CLI::IsMember({"confidential", kTrustedLaunch}))
      ->capture_default_str();
  command->add_option("--product", options.product, "Whose chip a confidential VM claims to have")
      ->check(CLI::IsMember({"Milan", "Genoa"}))
      ->capture_default_str();
  command
      ->add_option("--port", options.port,
                   "Port of the TPM on 127.0.0.1; the next one is taken too; 0: any free ones")
      ->capture_default_str();
  command->add_option("--thim-port", options.thim_port, "Port of THIM on 127.0.0.1; 0: any free one")
      ->capture_default_str();
  command->add_option("--secure-boot", options.secure_boot, "Whether the boot was by Secure Boot")
      ->check(CLI::IsMember({"on", "off"}))
      ->capture_default_str();
  command->add_flag("--tamper-boot", options.tamper_boot,
                    "Act out an attack: measure another kernel than the event log tells of. A verifier must "
                    "refuse the quotes");
  command->add_flag("--no-event-log", options.no_event_log, "Firmware hands no event log over");
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
