// A node's refresh, from the TPM to a NodeQuote, against the bare ESYS calls that it needs: three reads of
// PCRs and a quote by a key whose handle is at hand. In turn, on one swtpm. Prints one row of a table.
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#include <cstdio>
#include <iostream>

#include "agent/esys_tpm.hpp"
#include "agent/quoter.hpp"
#include "bench/measure.hpp"
#include "tests/emulator/tpm_commands.hpp"
#include "tests/support/forge_node.hpp"
#include "tests/support/swtpm_process.hpp"

namespace nodeproof::bench {
namespace {

using std::chrono::steady_clock;

constexpr int kRounds = 9;
constexpr int kQuotes = 100;  // in each round
constexpr double kTarget = 1.15;

void check(TSS2_RC code, const char* doing) {
  if (code != TSS2_RC_SUCCESS) throw std::runtime_error(std::string(doing) + " failed");
}

TPML_PCR_SELECTION selection(std::uint32_t bits) {
  TPML_PCR_SELECTION out{};
  out.count = 1;
  out.pcrSelections[0].hash = TPM2_ALG_SHA256;
  out.pcrSelections[0].sizeofSelect = 3;
  for (unsigned i = 0; i < 3; ++i)
    out.pcrSelections[0].pcrSelect[i] = static_cast<BYTE>(bits >> (8 * i) & 0xffU);
  return out;
}

// What the refresh cannot do without, and nothing else.
class BareEsys {
 public:
  explicit BareEsys(const std::string& tcti) {
    check(Tss2_TctiLdr_Initialize(tcti.c_str(), &tcti_), "Tss2_TctiLdr_Initialize");
    check(Esys_Initialize(&esys_, tcti_, nullptr), "Esys_Initialize");
    check(Esys_TR_FromTPMPublic(esys_, agent::kAkHandle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &ak_),
          "Esys_TR_FromTPMPublic");
  }
  ~BareEsys() {
    Esys_TR_Close(esys_, &ak_);
    Esys_Finalize(&esys_);
    Tss2_TctiLdr_Finalize(&tcti_);
  }
  BareEsys(const BareEsys&) = delete;
  BareEsys& operator=(const BareEsys&) = delete;

  void refresh() {
    for (std::uint32_t left = attest::kNodeQuotePcrs.bits(); left != 0;) left &= ~read_pcrs(left);
    const TPML_PCR_SELECTION pcrs = selection(attest::kNodeQuotePcrs.bits());
    TPM2B_DATA qualifying{};
    qualifying.size = 32;
    TPMT_SIG_SCHEME scheme{};
    scheme.scheme = TPM2_ALG_NULL;
    TPM2B_ATTEST* attest = nullptr;
    TPMT_SIGNATURE* signature = nullptr;
    check(Esys_Quote(esys_, ak_, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &qualifying, &scheme, &pcrs,
                     &attest, &signature),
          "Esys_Quote");
    Esys_Free(attest);
    Esys_Free(signature);
  }

 private:
  // At most eight at a time; gives those that were read.
  std::uint32_t read_pcrs(std::uint32_t wanted) {
    const TPML_PCR_SELECTION in = selection(wanted);
    TPML_PCR_SELECTION* out = nullptr;
    TPML_DIGEST* digests = nullptr;
    check(Esys_PCR_Read(esys_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &in, nullptr, &out, &digests),
          "Esys_PCR_Read");
    std::uint32_t read = 0;
    for (unsigned i = 0; i < 3; ++i)
      read |= static_cast<std::uint32_t>(out->pcrSelections[0].pcrSelect[i]) << (8 * i);
    Esys_Free(out);
    Esys_Free(digests);
    if (read == 0) throw std::runtime_error("Esys_PCR_Read gave no values");
    return read;
  }

  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
  ESYS_CONTEXT* esys_ = nullptr;
  ESYS_TR ak_ = ESYS_TR_NONE;
};

// Milliseconds for one, in the mean.
template <typename Work>
double timed(Work work) {
  const auto began = steady_clock::now();
  for (int i = 0; i < kQuotes; ++i) work();
  return std::chrono::duration<double, std::milli>(steady_clock::now() - began).count() / kQuotes;
}

void run() {
  const test::SwtpmProcess swtpm;
  emulator::TpmCommands([&](ByteView command) {
    return swtpm.transmit(command);
  }).make_ak(agent::kAkHandle, Bytes(256));
  wire::NodeEvidence evidence;
  evidence.boot = {forge::kNodeUid, forge::kBootId};
  evidence.hcl_report = Bytes(2600, 1);
  wire::PublishedEpoch epoch;
  epoch.epoch = {forge::kKid, 1};

  std::vector<double> ours, bare, ratios;
  for (int round = 0; round < kRounds; ++round) {
    {
      agent::EsysTpm tpm(swtpm.tcti());  // swtpm serves one connection at a time
      ours.push_back(timed([&] { static_cast<void>(agent::make_quote(tpm, evidence, epoch)); }));
    }
    BareEsys reference(swtpm.tcti());
    bare.push_back(timed([&] { reference.refresh(); }));
    ratios.push_back(ours.back() / bare.back());
  }
  const double ratio = median(ratios);
  std::printf(
      "| a NodeQuote from the TPM; its ESYS calls alone | %.2f | %.2f | %.2f | %.2f to %.2f | %.2f | %s |\n",
      median(ours), median(bare), ratio, *std::min_element(ratios.begin(), ratios.end()),
      *std::max_element(ratios.begin(), ratios.end()), kTarget, ratio <= kTarget ? "yes" : "no");
}

}  // namespace
}  // namespace nodeproof::bench

int main() {
  try {
    nodeproof::bench::run();
  } catch (const std::exception& error) {
    std::cerr << "quote_bench: " << error.what() << "\n";
    return 3;
  }
}
