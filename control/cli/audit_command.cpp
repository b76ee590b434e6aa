#include "control/cli/audit_command.hpp"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

#include "control/security/audit/audit_verify.hpp"

namespace sluice::cli {
namespace {

constexpr const char* usage =
    "usage: sluice audit verify FILE... --key-file K [--checkpoint FILE]\n"
    "       sluice audit checkpoint FILE... --key-file K\n"
    "FILE...: audit.ndjson and those that it was renamed to, in any order. K holds auditLogger.chainKey.\n"
    "A checkpoint file has lines as 'sluice audit checkpoint' prints them; keep it where the server cannot write.\n";

struct Wanted {
  std::string action;
  std::vector<std::string> files;
  std::string key_file;
  std::string checkpoint_file;
};

/// Nothing when the words make no sense.
std::optional<Wanted> read(std::span<const std::string> words) {
  if (words.empty() || (words[0] != "verify" && words[0] != "checkpoint")) return std::nullopt;
  Wanted wanted;
  wanted.action = words[0];
  for (std::size_t i = 1; i < words.size(); ++i) {
    std::string* option = words[i].starts_with("--key-file")     ? &wanted.key_file
                          : words[i].starts_with("--checkpoint") ? &wanted.checkpoint_file
                                                                 : nullptr;
    if (option == nullptr) {
      if (words[i].starts_with("--")) return std::nullopt;
      wanted.files.push_back(words[i]);
    } else if (const std::size_t equals = words[i].find('='); equals != std::string::npos) {
      *option = words[i].substr(equals + 1);
    } else if (i + 1 < words.size()) {
      *option = words[++i];
    } else {
      return std::nullopt;
    }
  }
  if (wanted.files.empty() || wanted.key_file.empty()) return std::nullopt;
  return wanted;
}

std::optional<std::string> contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "sluice: %s cannot be read.\n", path.c_str());
    return std::nullopt;
  }
  return std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

/// One checkpoint a line; nothing when a line is none.
std::optional<std::vector<AuditCheckpoint>> checkpoints_in(const std::string& path) {
  std::vector<AuditCheckpoint> result;
  if (path.empty()) return result;
  const auto text = contents(path);
  if (!text) return std::nullopt;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    const auto checkpoint = AuditCheckpoint::from_json(line);
    if (!checkpoint) {
      std::fprintf(stderr, "sluice: %s holds a line that is no checkpoint.\n", path.c_str());
      return std::nullopt;
    }
    result.push_back(*checkpoint);
  }
  return result;
}

}  // namespace

int audit(std::span<const std::string> arguments) {
  const auto wanted = read(arguments);
  if (!wanted) {
    std::fputs(usage, stderr);
    return 2;
  }
  auto key = contents(wanted->key_file);
  if (!key) return 2;
  while (!key->empty() && (key->back() == '\n' || key->back() == '\r')) key->pop_back();
  if (key->empty()) {
    std::fprintf(stderr, "sluice: %s holds no key.\n", wanted->key_file.c_str());
    return 2;
  }
  const auto checkpoints = checkpoints_in(wanted->checkpoint_file);
  if (!checkpoints) return 2;
  const AuditVerdict verdict = verify_audit(wanted->files, *key, *checkpoints);
  if (!verdict.intact) {
    std::fprintf(stderr, "sluice: the audit log is NOT intact. %s.\n", verdict.fault.c_str());
    return 1;
  }
  if (wanted->action == "checkpoint") {
    std::printf("%s\n", AuditCheckpoint{verdict.last_seq, verdict.last_hash}.to_json().c_str());
  } else {
    std::printf("intact: %llu entries, %llu to %llu\n", static_cast<unsigned long long>(verdict.lines),
                static_cast<unsigned long long>(verdict.first_seq), static_cast<unsigned long long>(verdict.last_seq));
    if (checkpoints->empty()) std::puts("no checkpoint was given: whether entries are missing at the end cannot be told");
  }
  return 0;
}

}  // namespace sluice::cli
