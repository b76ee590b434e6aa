#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "control/security/audit/audit_chain.hpp"

namespace sluice {

struct AuditVerdict {
  bool intact = false;
  std::uint64_t lines = 0;
  std::uint64_t first_seq = 0;
  std::uint64_t last_seq = 0;
  std::string last_hash;
  std::string fault;  // one sentence: what is wrong, where
};

/// Judges the files of one audit log, in any order. Without checkpoints they must begin with line 1; with one for the line
/// before, they may begin there. Every checkpoint from the first line on must be met: one beyond the last line says that
/// lines at the end are missing. Reads every byte once.
[[nodiscard]] AuditVerdict verify_audit(const std::vector<std::string>& files, std::string_view key,
                                        const std::vector<AuditCheckpoint>& checkpoints);

}  // namespace sluice
