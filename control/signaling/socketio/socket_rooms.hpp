#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "control/signaling/socketio/application.hpp"

namespace sluice::socketio {

/// Which sockets are in which rooms (contract section 7.7). A room exists from its first join to its last leave. Members are
/// in join order. Socket ids are no rooms here: what is for one socket is sent to that socket.
class SocketRooms {
 public:
  struct Room {
    std::shared_ptr<const std::string> name;
    std::vector<SocketKey> members;
  };

  /// False when it is in the room already.
  bool join(SocketKey socket, std::string_view room);
  bool leave(SocketKey socket, std::string_view room);
  void leave_all(SocketKey socket);
  [[nodiscard]] const Room* find(std::string_view room) const;
  [[nodiscard]] std::span<const SocketKey> members(std::string_view room) const;
  [[nodiscard]] bool is_member(SocketKey socket, std::string_view room) const;
  /// In the order in which it joined.
  [[nodiscard]] std::vector<std::shared_ptr<const std::string>> rooms_of(SocketKey socket) const;
  [[nodiscard]] std::size_t room_count(SocketKey socket) const;
  [[nodiscard]] std::size_t size() const noexcept { return rooms_.size(); }

 private:
  std::unordered_map<std::string, Room> rooms_;
  std::unordered_map<SocketKey, std::vector<const Room*>> rooms_of_;
};

}  // namespace sluice::socketio
