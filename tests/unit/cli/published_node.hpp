// What a forged confidential node published, as objects and as files, for the verbs that judge it.
#pragma once

#include <filesystem>

#include "base/file.hpp"
#include "tests/support/forge_node.hpp"

namespace nodeproof::cli::testing {

using forge::kBootId;
using forge::kNodeUid;
using forge::kOtherUuid;
using forge::make_node_evidence;
using forge::make_node_quote;

inline std::string node_json(const std::string& uid = kNodeUid, const std::string& boot_id = kBootId) {
  return R"({"apiVersion":"v1","kind":"Node","metadata":{"name":"cvm-1","uid":")" + uid +
         R"("},"status":{"nodeInfo":{"bootID":")" + boot_id + R"(","systemUUID":")" + std::string(forge::kVmId) + R"("}}})";
}

inline std::string list_of(const std::vector<std::string>& objects) {
  std::string out = R"({"apiVersion":"v1","kind":"List","items":[)";
  for (const std::string& object : objects) out += (out.back() == '[' ? "" : ",") + object;
  return out + "]}";
}

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nodeproof-cli-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string write(const std::string& name, std::string_view text) const {
    write_file(path_ / name, as_bytes(text), 0600);
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace nodeproof::cli::testing
