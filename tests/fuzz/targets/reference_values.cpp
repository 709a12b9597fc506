#include "wire/reference_values.hpp"

#include "tests/fuzz/target.hpp"

bool nodeproof::fuzz::one_input(ByteView input) {
  const auto values = wire::parse_reference_values(as_text(input), "values.yaml");
  if (!accepted(values)) return false;
  require(!values->empty(), "a list that accepts no paravisor is refused");
  for (const attest::ParavisorReference& value : *values)
    require(!value.source.empty(), "every value says where it comes from");
  return true;
}
