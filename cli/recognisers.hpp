// The recognisers behind `nodeproof inspect`, by family. Each looks at a whole file and describes it,
// or says that it is something else (nothing). None verifies, none throws for any bytes.
#pragma once

#include <optional>
#include <string>

#include "cli/description.hpp"

namespace nodeproof::cli {

struct InspectedFile {
  ByteView content;
  std::string name;  // last part of the path: a hint where bytes alone say nothing
};

using Recognised = std::optional<Description>;

// inspect_amd.cpp
Recognised recognise_snp_report(const InspectedFile& file);
// The fields of a report, for those that carry one.
std::vector<Item> snp_report_items(ByteView report);

// inspect_hcl.cpp
Recognised recognise_hcl_report(const InspectedFile& file);

// inspect_tdx.cpp
Recognised recognise_td_quote(const InspectedFile& file);
std::vector<Item> td_report_items(ByteView td_report);  // the 1024 bytes of a TDREPORT

// inspect_tpm.cpp
Recognised recognise_tpms_attest(const InspectedFile& file);
Recognised recognise_tpmt_signature(const InspectedFile& file);
Recognised recognise_raw_signature(const InspectedFile& file);
Recognised recognise_tpm_name(const InspectedFile& file);

// inspect_tpm_public.cpp
Recognised recognise_tpm_public(const InspectedFile& file);

// inspect_pcrs.cpp
Recognised recognise_raw_pcrs(const InspectedFile& file);
Recognised recognise_tools_pcrs(const InspectedFile& file);

// inspect_x509.cpp
Recognised recognise_pem(const InspectedFile& file);
Recognised recognise_der(const InspectedFile& file);

// inspect_event_log.cpp
Recognised recognise_event_log(const InspectedFile& file);

// inspect_linux.cpp
Recognised recognise_ima_log(const InspectedFile& file);
Recognised recognise_efi_variable(const InspectedFile& file);

// inspect_text.cpp
Recognised recognise_jwt(const InspectedFile& file);
Recognised recognise_json(const InspectedFile& file);
Recognised recognise_yaml(const InspectedFile& file);
Recognised recognise_hex(const InspectedFile& file);
Recognised recognise_text(const InspectedFile& file);

// inspect_kubernetes.cpp: what a JSON object is when it has a kind, and its fields.
Recognised describe_json_object(ByteView json);

}  // namespace nodeproof::cli
