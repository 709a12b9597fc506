#include "webhook/marker_form.hpp"

#include <gtest/gtest.h>

namespace nodeproof::webhook {
namespace {

using Map = std::map<std::string, std::string>;

// The rows are those of `marker_in_another_form_is_refused`, which the API server decides, and their
// neighbours.
TEST(MarkerForm, Table) {
  const struct {
    Map labels;
    Map annotations;
    const char* what;  // empty: the pod may be created
  } rows[] = {
      {{}, {}, ""},
      {{{"app", "x"}}, {{"nodeproof.dev/policy", "confidential"}}, ""},
      {{{"nodeproof.dev/policy", "confidential"}}, {}, "label nodeproof.dev/policy protects nothing"},
      {{{"nodeproof.dev/x", ""}}, {}, "label nodeproof.dev/x protects nothing"},
      {{{"nodeproof.dev", "x"}}, {{"NODEPROOF.DEV", "x"}}, ""},
      {{{"my.nodeproof.dev/policy", "x"}}, {{"My.NodeProof.dev/policy", "x"}}, ""},
      {{{"policy.nodeproof.dev", "x"}}, {{"nodeproof.development/policy", "x"}}, ""},
      {{}, {{"NodeProof.dev/policy", "confidential"}}, "annotation NodeProof.dev/policy protects nothing"},
      {{}, {{"nodeproof.deV/policy", "x"}}, "annotation nodeproof.deV/policy protects nothing"},
      {{},
       {{"nodeproof.dev/Policy", "x"}},
       ""},  // our prefix: the webhook itself names an unknown annotation
      {{{"nodeproof.dev/policy", "x"}},
       {{"Nodeproof.dev/policy", "x"}},
       "label nodeproof.dev/policy, annotation Nodeproof.dev/policy protects nothing"},
  };
  for (const auto& row : rows) {
    const auto refusal = refusal_of_form(row.labels, row.annotations);
    EXPECT_EQ(refusal ? refusal->what : "", row.what);
  }
}

}  // namespace
}  // namespace nodeproof::webhook
