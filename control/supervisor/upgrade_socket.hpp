#pragma once

#include <poll.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "control/supervisor/supervisor_config.hpp"
#include "shm/descriptors/descriptor.hpp"

namespace sluice::supervisor {

/// What `sluice upgrade` asks: one message of this size.
struct UpgradeRequest {
  static constexpr std::uint64_t expected_magic = 0x31475055'43554c53ULL;
  std::uint64_t magic = expected_magic;
  std::array<char, 4096> folder{};  // absolute path, zero-terminated
};

/// What it is told: any number of these, the last one not `progress`.
struct UpgradeAnswer {
  enum class Kind : std::uint32_t { progress, done, refused };
  std::uint64_t magic = UpgradeRequest::expected_magic;
  Kind kind = Kind::progress;
  std::uint32_t reserved = 0;
  std::array<char, 1024> text{};  // zero-terminated
};

/// Under which name the supervisor of the server on this media port listens.
[[nodiscard]] std::filesystem::path upgrade_path(const SupervisorConfig& config);

/// The supervisor's end: one client at a time, of our own user; the others wait. Never blocks.
class UpgradeSocket {
 public:
  UpgradeSocket() = default;
  /// Listens under `path`, whoever did before. On failure nobody can ask; `errno` says why.
  [[nodiscard]] static UpgradeSocket listen(const std::filesystem::path& path);
  [[nodiscard]] bool valid() const noexcept { return listener_.valid(); }

  void watch(std::vector<pollfd>& watched) const;
  /// The folder that somebody asks to upgrade to. Until that is answered there is no other.
  [[nodiscard]] std::optional<std::filesystem::path> take_request();
  /// Tells the client, if there is one; its connection ends with anything but progress.
  void say(UpgradeAnswer::Kind kind, const std::string& text);
  [[nodiscard]] int client() const noexcept { return client_.get(); }
  /// Goes on with a client of the supervisor before the exec.
  void adopt_client(Descriptor client) noexcept;

 private:
  Descriptor listener_;
  Descriptor client_;
  bool asked_ = false;  // the client has said what it wants
};

}  // namespace sluice::supervisor
