// What a verify verb must conclude about a folder of recorded evidence, from its expect.json, and what
// it did conclude, from its JSON output.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "attest/strict_json.hpp"
#include "cli/verdict.hpp"
#include "tests/support/vectors.hpp"

namespace nodeproof::vectors {

using attest::JsonDocument;
using attest::JsonValue;

inline constexpr std::size_t kMaxJson = 1U << 20U;
inline constexpr const char* kAt = "2026-08-25T00:00:00Z";

// The table at the end of the vectors' README, and what it leaves out: a false key means that this check
// must fail.
inline const std::map<std::string, std::string, std::less<>> kCheckOfKey{
    {"signature_valid", "report-signature"},
    {"chain_valid", "certificate-chain"},
    {"spl_equal_reported_tcb", "tcb-extensions"},
    {"hwid_matches_chip_id", "chip-id"},
    {"report_data_binds_json", "report-data-binding"},
    {"quote_signature_by_HCLAkPub", "quote-signature"},
    {"pcr_digest_matches", "pcr-digest"},
    {"pcr6_binds_vmUniqueId", "vm-id"},
    {"ak_cert_key_equals_ak_pub", "ak-certificate"},
    {"ak_cert_key_equals_HCLAkPub", "ak-certificate"},
    {"ak_cert_chain_valid", "ak-certificate"},
    {"nonce_matches", "qualifying-data"},
};

struct Expectation {
  bool verified = false;
  std::set<std::string> failed;  // these checks, but for those whose premise another one broke
  std::string qualifying_data;   // to give on the command line; empty: none
};

struct Judgement {
  bool verified = false;
  std::set<std::string> failed;
  std::set<std::string> without_premise;  // not checked, because another check did not pass
  int exit_code = -1;
};

inline std::string join(const std::set<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : " ") + name;
  return out.empty() ? "-" : out;
}

inline Result<Expectation> read_expectation(const std::filesystem::path& folder) {
  NODEPROOF_TRY(document, JsonDocument::parse(vectors::file(folder / "expect.json"), kMaxJson, "expect"));
  const JsonValue root = document.root();
  NODEPROOF_TRY(verdict_member, root.required("verdict"));
  NODEPROOF_TRY(verdict, verdict_member.text());
  NODEPROOF_TRY(checks_member, root.required("checks"));
  NODEPROOF_TRY(checks, checks_member.members());
  Expectation out;
  for (const JsonValue::Member& check : checks) {
    const auto holds = check.value.boolean();
    if (!holds || *holds) continue;
    const auto known = kCheckOfKey.find(check.key);
    if (known == kCheckOfKey.end())
      return Error{Errc::kUnknownField, check.value.path(), "is false, and no check is known that must fail"};
    out.failed.insert(known->second);
  }
  out.verified = verdict.starts_with("valid") || verdict.starts_with("report valid");
  if (verdict.find("policy must refuse") != std::string::npos) {
    out.verified = false;
    out.failed.insert("guest-policy");
  }
  if (verdict.find("expired") != std::string::npos) {
    out.verified = false;
    out.failed.insert("certificate-chain");
  }
  if (verdict.find("lack of challenge") != std::string::npos) {
    out.failed.insert("qualifying-data");
    return out;
  }
  NODEPROOF_TRY(quote, root.optional("quote"));
  if (!quote) return out;
  NODEPROOF_TRY(data, quote->optional_text("extra_data_hex"));
  out.qualifying_data = std::move(data);
  return out;
}

// All of AMD's and Microsoft's, of every product line: what does not belong must not disturb.
inline std::vector<std::string> certificate_authorities() {
  std::vector<std::string> out;
  for (const char* folder : {"amd-certs", "ak-certs"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(vectors::folder() / folder)) {
      if (entry.path().extension() == ".pem") out.push_back(entry.path());
    }
  }
  return out;
}

inline Result<Judgement> read_judgement(const std::string& json, int exit_code) {
  NODEPROOF_TRY(document, JsonDocument::parse(as_bytes(json), kMaxJson, "output"));
  NODEPROOF_TRY(verdict_member, document.root().required("verdict"));
  NODEPROOF_TRY(verdict, verdict_member.text());
  NODEPROOF_TRY(checks_member, document.root().required("checks"));
  NODEPROOF_TRY(checks, checks_member.array());
  Judgement out{verdict == "verified", {}, {}, exit_code};
  for (const JsonValue& check : checks) {
    NODEPROOF_TRY(outcome_member, check.required("outcome"));
    NODEPROOF_TRY(outcome, outcome_member.text());
    NODEPROOF_TRY(name_member, check.required("check"));
    NODEPROOF_TRY(name, name_member.text());
    NODEPROOF_TRY(code_member, check.required("code"));
    NODEPROOF_TRY(code, code_member.text());
    if (outcome == "failed") out.failed.insert(name);
    if (code == "premise-failed") out.without_premise.insert(name);
  }
  return out;
}

// Runs a verb of cli/ in this process.
using Verb = std::function<int(std::ostream& out, std::ostream& err)>;

inline Judgement judge(const Verb& verb) {
  std::ostringstream out;
  std::ostringstream err;
  const int exit_code = verb(out, err);
  EXPECT_EQ(err.str(), "");
  const auto judgement = read_judgement(out.str(), exit_code);
  EXPECT_TRUE(judgement) << out.str();
  return judgement ? *judgement : Judgement{};
}

// The checks that must have failed.
inline std::set<std::string> due(const Expectation& expectation, const Judgement& judgement) {
  std::set<std::string> out = expectation.failed;
  for (const std::string& name : judgement.without_premise) out.erase(name);
  return out;
}

// Judges every folder below `group` and prints a table.
using VerbFor = std::function<Verb(const std::filesystem::path& folder, const Expectation& expectation)>;

inline void judge_all(const char* group, const VerbFor& verb_for) {
  const auto folders = cases(group);
  ASSERT_FALSE(folders.empty());
  std::cout << std::left << std::setw(34) << "case" << std::setw(10) << "expected" << std::setw(10)
            << "judged" << std::setw(34) << "must fail"
            << " failed\n";
  for (const auto& folder : folders) {
    SCOPED_TRACE(folder);
    const auto expectation = read_expectation(folder);
    ASSERT_TRUE(expectation) << to_string(expectation.error());
    const Judgement got = judge(verb_for(folder, *expectation));
    const auto word = [](bool verified) { return verified ? "verified" : "refused"; };
    std::cout << std::setw(34) << folder.filename().string() << std::setw(10) << word(expectation->verified)
              << std::setw(10) << word(got.verified) << std::setw(34) << join(expectation->failed) << ' '
              << join(got.failed) << '\n';
    EXPECT_EQ(got.verified, expectation->verified);
    EXPECT_EQ(got.failed, due(*expectation, got));
    EXPECT_EQ(got.failed.empty(), got.verified);
    EXPECT_EQ(got.exit_code, got.verified ? cli::kVerified : cli::kRefused);
  }
}

}  // namespace nodeproof::vectors
