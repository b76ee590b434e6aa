// uses: control_security_audit
// Any text as a line of an audit log: what is read back hashes and seals to the same line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "control/security/audit/audit_chain.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto line = sluice::read_sealed(text)) {
    if (line->body.data() != text.data() || line->body.size() >= text.size()) std::abort();
    const std::string chained = line->hash.empty() ? std::string() : R"(,"chain":")" + std::string(line->hash) + "\"";
    if (std::string(line->body) + chained + "}" != text) std::abort();
  }
  if (const auto checkpoint = sluice::AuditCheckpoint::from_json(text)) {
    const auto again = sluice::AuditCheckpoint::from_json(checkpoint->to_json());
    if (!again || again->seq != checkpoint->seq || again->hash != checkpoint->hash) std::abort();
  }
  return 0;
}
