#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

/// The keyed hash chain over the lines of an audit log: each line ends in `,"seq":N,"chain":"H"}` where H is 64 hex digits
/// of HMAC-SHA-256(key, H of the line before + this line up to the comma before `"chain"`). Whoever has no key can neither
/// edit, delete nor reorder lines without breaking the chain; that lines are missing at the end shows only against a
/// checkpoint.
class AuditChain {
 public:
  /// Before the first line: 64 zeros.
  static constexpr std::string_view origin = "0000000000000000000000000000000000000000000000000000000000000000";

  /// An empty key: lines get numbers but no hashes.
  explicit AuditChain(std::string_view key);
  ~AuditChain();
  AuditChain(AuditChain&&) noexcept;
  AuditChain& operator=(AuditChain&&) noexcept;

  [[nodiscard]] bool keyed() const noexcept { return context_ != nullptr; }
  /// Goes on behind a line with this number and hash.
  void continue_from(std::uint64_t seq, std::string_view hash);
  /// `entry` is a JSON object without its closing brace, with at least one member; returns the whole line, without its end.
  [[nodiscard]] std::string seal(std::string entry);
  /// The hash that a line must have behind one with hash `before`.
  [[nodiscard]] std::string hash(std::string_view before, std::string_view body) const;

  [[nodiscard]] std::uint64_t last_seq() const noexcept { return seq_; }
  [[nodiscard]] const std::string& last_hash() const noexcept { return hash_; }

 private:
  struct Context;
  std::unique_ptr<Context> context_;
  std::uint64_t seq_ = 0;
  std::string hash_{origin};
};

/// The parts of a sealed line, borrowed from it.
struct SealedLine {
  std::string_view body;  // what is hashed: up to `"seq":N`
  std::uint64_t seq = 0;
  std::string_view hash;  // empty: not chained
};
/// Nothing when the line does not end as a sealed one does.
[[nodiscard]] std::optional<SealedLine> read_sealed(std::string_view line);

/// Where the chain stood, to be kept elsewhere: one JSON object `{"seq":N,"chain":"H"}` a line.
struct AuditCheckpoint {
  std::uint64_t seq = 0;
  std::string hash;
  [[nodiscard]] std::string to_json() const;
  [[nodiscard]] static std::optional<AuditCheckpoint> from_json(std::string_view text);
};

}  // namespace sluice
