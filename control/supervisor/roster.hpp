#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "control/supervisor/child_process.hpp"
#include "control/supervisor/roster_layout.hpp"
#include "control/supervisor/supervisor_config.hpp"

namespace sluice::supervisor {

/// The places of a server.
struct Place {
  enum class Kind : std::uint8_t { keeper, handshaker, control, worker };
  Kind kind{};
  std::uint16_t worker = 0;
};

/// The supervisor's memory of what runs, in a segment that the keeper holds as well: the next supervisor finds there which
/// processes to watch. Written before a process is given anything, so a process that works is in it.
class Roster {
 public:
  /// A new one. Throws StartError.
  [[nodiscard]] static Roster create(const SupervisorConfig& config, const std::string& fingerprint);
  /// The one behind `fd` (borrowed). Throws StartError when it is of another build's layout.
  [[nodiscard]] static Roster attach(int fd);

  /// Throws StartError, one sentence that says what to do, when the server that runs is not the one that `config` asks for.
  void check(const SupervisorConfig& config) const;
  [[nodiscard]] std::string fingerprint() const;

  /// From here on the place is filled by this process.
  void note(Place place, pid_t pid);
  /// The process that fills the place, if it still lives.
  [[nodiscard]] std::optional<ChildProcess> find(Place place) const;

  /// Where the programs lie. A path too long is not remembered.
  void set_folder(const std::filesystem::path& folder);
  [[nodiscard]] std::filesystem::path folder() const;

  /// A descriptor of this process on which somebody waits for the end of an upgrade; it stays open over an exec.
  void set_upgrade_client(int fd);
  /// Takes it out; -1 when nobody waits.
  [[nodiscard]] int take_upgrade_client();

  [[nodiscard]] int fd() const noexcept { return segment_.fd(); }

 private:
  explicit Roster(RosterSegment segment) : segment_(std::move(segment)) {}
  [[nodiscard]] static RosterPlace& place_in(RosterLayout& layout, Place place);
  static void note_in(RosterPlace& row, pid_t pid);
  RosterSegment segment_;
};

/// Whether the process that fills this place lives.
[[nodiscard]] bool lives(const RosterPlace& place);
/// Whether any process of the roster still lives, the keeper aside.
[[nodiscard]] bool anybody_lives(const RosterLayout& roster);

}  // namespace sluice::supervisor
