// How much of the speed that the machine's cryptography allows does the verifier reach?
#include <benchmark/benchmark.h>

#include <iostream>
#include <memory>
#include <stdexcept>

#include "bench/comparison.hpp"
#include "bench/event_log_bench.hpp"
#include "bench/pure_crypto.hpp"
#include "bench/verify_inputs.hpp"

namespace nodeproof::bench {
namespace {

// What the webhook does with one node's evidence and quotes. Throws when they do not verify.
class Verifier {
 public:
  explicit Verifier(const VerifyInputs& inputs) : inputs_(inputs), boot_(verify_boot(known_)) {}

  // Nothing known.
  void cold() {
    attest::EndorsementCache known;
    verify_quote(verify_boot(known));
  }
  // Another boot under known endorsements.
  void warm() { verify_quote(verify_boot(known_)); }
  // A new quote over evidence that is known.
  void refresh() { verify_quote(boot_); }

 private:
  attest::BootVerification verify_boot(attest::EndorsementCache& known) const {
    attest::BootEvidence evidence;
    evidence.hcl_report = inputs_.hcl_report;
    for (const Bytes& der : inputs_.certificates)
      evidence.certificates.push_back(known.parse_der(der, "certificate").value());
    attest::BootVerification out =
        attest::verify_boot(evidence, {.anchors = inputs_.anchors,
                                       .reference_values = inputs_.reference_values,
                                       .now = inputs_.now,
                                       .known_endorsements = &known});
    if (!out.claims) throw std::runtime_error(attest::first_failed(out.findings)->detail);
    return out;
  }

  void verify_quote(const attest::BootVerification& boot) const {
    const attest::QuoteVerification quote =
        attest::verify_quote(inputs_.quote, boot, inputs_.expected, inputs_.required_pcrs);
    if (!quote.claims) throw std::runtime_error(attest::first_failed(quote.findings)->detail);
  }

  const VerifyInputs& inputs_;
  attest::EndorsementCache known_;
  attest::BootVerification boot_;
};

PureInputs pure_inputs(const VerifyInputs& inputs) {
  return {.vcek = inputs.certificates.at(0),
          .ask = inputs.certificates.at(1),
          .ark = inputs.certificates.at(2),
          .report = inputs.report,
          .ak_modulus = inputs.ak_modulus,
          .quote = inputs.quote.attest,
          .quote_signature = inputs.quote_signature};
}

void add_all(const VerifyInputs& inputs) {
  const auto verifier = std::make_shared<Verifier>(inputs);
  const auto pure = std::make_shared<PureCrypto>(pure_inputs(inputs));
  const auto name = [&](const char* what) { return "verify/" + inputs.name + "/" + what; };
  add({name("cold"), [=] { verifier->cold(); }, [=] { pure->cold(); }, 0.85, 2});
  add({name("warm"), [=] { verifier->warm(); }, [=] { pure->warm(); }, 0.9, 2});
  add({name("refresh"), [=] { verifier->refresh(); }, [=] { pure->refresh(); }, 0.8, 50});
  add({name("warm-over-cold"), [=] { verifier->warm(); }, [=] { verifier->cold(); }, 1.8, 2});
}

}  // namespace
}  // namespace nodeproof::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    const auto inputs = nodeproof::bench::all_verify_inputs();
    for (const auto& one : inputs) nodeproof::bench::add_all(one);
    nodeproof::bench::add_event_logs();
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& e) {
    std::cerr << "verify_bench: " << e.what() << '\n';
    return 1;
  }
}
