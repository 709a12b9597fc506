// What a forged confidential node published, as objects and as files, for the verbs that judge it.
#pragma once

#include "tests/support/api_answers.hpp"
#include "tests/support/forge_node.hpp"
#include "tests/support/temporary_folder.hpp"

namespace nodeproof::cli::testing {

using forge::kBootId;
using forge::kNodeUid;
using forge::kOtherUuid;
using forge::make_node_evidence;
using forge::make_node_quote;

inline std::string node_json(const std::string& uid = kNodeUid, const std::string& boot_id = kBootId) {
  return R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"cvm-1","uid":")" + uid +
         R"("},"status":{"nodeInfo":{"bootID":")" + boot_id + R"(","systemUUID":")" +
         std::string(forge::kVmId) + R"("}}})";
}

inline std::string list_of(const std::vector<std::string>& objects) {
  return R"({"apiVersion":"v1","kind":"List","items":[)" + test::joined(objects) + "]}";
}

}  // namespace nodeproof::cli::testing
