#include "control/security/audit/audit_verify.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "shm/descriptors/descriptor.hpp"

namespace sluice {
namespace {

constexpr std::size_t block_bytes = std::size_t{1} << 20U;
constexpr std::size_t line_bytes_max = std::size_t{16} << 20U;

/// The lines of a file, one after the other.
class LineReader {
 public:
  explicit LineReader(const std::string& path) : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (!file_.valid()) error_ = std::strerror(errno);
  }
  /// Nothing at the end, or after an error. Borrowed until the next call.
  std::optional<std::string_view> next() {
    for (;;) {
      const std::size_t end = buffer_.find('\n', begin_);
      if (end != std::string::npos) {
        const std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
        begin_ = end + 1;
        return line;
      }
      if (!fill()) break;
    }
    if (error_.empty() && begin_ < buffer_.size()) error_ = "its last line is not whole";
    return std::nullopt;
  }
  [[nodiscard]] const std::string& error() const noexcept { return error_; }

 private:
  bool fill() {
    if (!error_.empty() || !file_.valid()) return false;
    buffer_.erase(0, std::exchange(begin_, 0));
    if (buffer_.size() > line_bytes_max) {
      error_ = "it holds a line without end";
      return false;
    }
    const std::size_t old = buffer_.size();
    buffer_.resize(old + block_bytes);
    const ssize_t got = ::read(file_.get(), buffer_.data() + old, block_bytes);
    buffer_.resize(old + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) error_ = std::strerror(errno);
    return got > 0;
  }

  Descriptor file_;
  std::string buffer_;
  std::size_t begin_ = 0;
  std::string error_;
};

class Verifier {
 public:
  Verifier(std::string_view key, const std::vector<AuditCheckpoint>& checkpoints) : chain_(key) {
    for (const AuditCheckpoint& checkpoint : checkpoints) checkpoints_.emplace(checkpoint.seq, checkpoint.hash);
  }

  AuditVerdict run(const std::vector<std::string>& files) {
    for (const auto& [first, path] : in_order(files)) {
      if (!verdict_.fault.empty()) return verdict_;
      read(path);
    }
    if (verdict_.fault.empty() && verdict_.lines == 0) verdict_.fault = "there is no line";
    const auto beyond = checkpoints_.upper_bound(verdict_.last_seq);
    if (verdict_.fault.empty() && beyond != checkpoints_.end()) {
      verdict_.fault = "lines at the end are missing: the last one is " + std::to_string(verdict_.last_seq) +
                       ", and a checkpoint names " + std::to_string(checkpoints_.rbegin()->first);
    }
    verdict_.intact = verdict_.fault.empty();
    verdict_.last_hash = before_;
    return verdict_;
  }

 private:
  /// By the number of their first line; empty files have nothing to say.
  std::vector<std::pair<std::uint64_t, std::string>> in_order(const std::vector<std::string>& files) {
    std::vector<std::pair<std::uint64_t, std::string>> result;
    for (const std::string& path : files) {
      LineReader reader(path);
      const auto line = reader.next();
      if (!line && reader.error().empty()) continue;
      const auto sealed = line ? read_sealed(*line) : std::nullopt;
      if (!sealed) {
        verdict_.fault = path + ": " + (line ? "its first line is no line of an audit log" : reader.error());
        return {};
      }
      result.emplace_back(sealed->seq, path);
    }
    std::sort(result.begin(), result.end());
    return result;
  }

  void read(const std::string& path) {
    LineReader reader(path);
    std::uint64_t number = 0;
    while (const auto line = reader.next()) {
      ++number;
      const std::string fault = check(*line);
      if (fault.empty()) continue;
      verdict_.fault = path + ", line " + std::to_string(number) + ": " + fault;
      return;
    }
    if (!reader.error().empty()) verdict_.fault = path + ": " + reader.error();
  }

  std::string check(std::string_view line) {
    const auto sealed = read_sealed(line);
    if (!sealed) return "it is no line of an audit log";
    if (sealed->hash.empty()) return "it is not chained";
    if (verdict_.lines == 0) {
      const auto start = checkpoints_.find(sealed->seq - 1);
      if (start != checkpoints_.end())
        before_ = start->second;
      else if (sealed->seq != 1)
        return "the log begins with number " + std::to_string(sealed->seq) + ", and no checkpoint names the one before";
      verdict_.first_seq = sealed->seq;
    } else if (sealed->seq != verdict_.last_seq + 1) {
      return "number " + std::to_string(sealed->seq) + " follows " + std::to_string(verdict_.last_seq) +
             ": lines are missing, repeated or out of order";
    }
    if (chain_.hash(before_, sealed->body) != sealed->hash)
      return "number " + std::to_string(sealed->seq) + " was changed, or the key is another one";
    const auto checkpoint = checkpoints_.find(sealed->seq);
    if (checkpoint != checkpoints_.end() && checkpoint->second != sealed->hash)
      return "number " + std::to_string(sealed->seq) + " is not the one that a checkpoint names";
    before_ = sealed->hash;
    verdict_.last_seq = sealed->seq;
    ++verdict_.lines;
    return {};
  }

  AuditChain chain_;
  std::map<std::uint64_t, std::string> checkpoints_;
  std::string before_{AuditChain::origin};
  AuditVerdict verdict_;
};

}  // namespace

AuditVerdict verify_audit(const std::vector<std::string>& files, std::string_view key,
                          const std::vector<AuditCheckpoint>& checkpoints) {
  return Verifier(key, checkpoints).run(files);
}

}  // namespace sluice
