#include <string>

#include "attest/hcl_report.hpp"
#include "base/file.hpp"
#include "tests/fuzz/seeds.hpp"

namespace nodeproof::fuzz {
namespace {

constexpr std::size_t kMaxSeed = 256U << 10U;  // larger inputs only slow a fuzzer down

// "azure-snp/genoa/hcl.bin" as the name of a file.
std::string flat_name(const std::filesystem::path& relative) {
  std::string name = relative.string();
  std::replace(name.begin(), name.end(), '/', '_');
  return name;
}

void add_hcl_report(const SeedWriter& out, const std::string& name, ByteView nv) {
  out.add("hcl_report", name, nv);
  const auto hcl = attest::parse_hcl_report(nv);
  if (hcl) out.add("runtime_claims", name, hcl->runtime_claims);
}

bool is_event_log(const std::filesystem::path& relative) {
  const std::string file = relative.filename().string();
  return (*relative.begin() == "event-logs" && relative.extension() == ".bin") ||
         file == "binary_bios_measurements" || file == "eventlog.bin" || file == "ccel.bin";
}

void add_by_kind(const SeedWriter& out, const std::filesystem::path& relative, ByteView content) {
  const std::string name = flat_name(relative);
  const std::string folder = relative.begin()->string();
  const std::string extension = relative.extension().string();
  if (folder == "admission" && extension == ".json") out.add("admission_review", name, content);
  if (folder == "ak-certs" && (extension == ".der" || extension == ".bin"))
    out.add("ak_nv_content", name, content);
  if (extension == ".pem" || extension == ".der") out.add("certificates", name, content);
  if (extension == ".msg") out.add("tpms_attest", name, content);
  if (extension == ".sig") out.add("quote_signature", name, content);
  if (is_event_log(relative)) out.add("event_log", name, content);
  if (relative.filename() == "crl.der") out.add("revocation_lists", name, content);
  if (relative.filename() == "hcl.bin") add_hcl_report(out, name, content);
  if (relative.filename() == "report.bin") out.add("snp_report", name, content);
}

}  // namespace

void write_recorded_seeds(const SeedWriter& out, const std::filesystem::path& vectors) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(vectors)) {
    if (!entry.is_regular_file() || entry.file_size() > kMaxSeed) continue;
    add_by_kind(out, std::filesystem::relative(entry.path(), vectors), read_file(entry.path(), kMaxSeed));
  }
}

}  // namespace nodeproof::fuzz
