#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/rooms/ids.hpp"
#include "control/rooms/metadata.hpp"

namespace sluice {

/// A room: metadata, capacity and members in join order. Owned and changed by Rooms only; references live until
/// RoomDestroyed.
class Room {
 public:
  Room(RoomId id, std::size_t capacity, std::int64_t created_at)
      : id_(std::move(id)), capacity_(capacity), created_at_(created_at) {}

  [[nodiscard]] const RoomId& id() const noexcept { return id_; }
  [[nodiscard]] const Metadata& metadata() const noexcept { return metadata_; }
  /// Greatest number of members, held ones included. Lowering it puts nobody out.
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  /// Unix time in milliseconds.
  [[nodiscard]] std::int64_t created_at() const noexcept { return created_at_; }
  /// In join order, held members included.
  [[nodiscard]] const std::vector<PeerId>& members() const noexcept { return members_; }
  /// Whether anybody has ever been in it.
  [[nodiscard]] bool visited() const noexcept { return visited_; }

 private:
  friend class Rooms;
  RoomId id_;
  Metadata metadata_;
  std::size_t capacity_;
  std::int64_t created_at_;
  std::vector<PeerId> members_;
  bool visited_ = false;
};

/// True when nothing is left of `text` after trimming white space as String.prototype.trim() does (ECMA-262
/// section 22.1.3.32: the white space and line terminators of Unicode); `text` is UTF-8.
[[nodiscard]] bool is_blank(std::string_view text) noexcept;

}  // namespace sluice
