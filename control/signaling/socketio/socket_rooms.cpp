#include "control/signaling/socketio/socket_rooms.hpp"

#include <algorithm>

namespace sluice::socketio {

bool SocketRooms::join(SocketKey socket, std::string_view name) {
  Room& room = rooms_[std::string(name)];
  if (room.name == nullptr) room.name = std::make_shared<const std::string>(name);
  if (std::find(room.members.begin(), room.members.end(), socket) != room.members.end()) return false;
  room.members.push_back(socket);
  rooms_of_[socket].push_back(&room);
  return true;
}

bool SocketRooms::leave(SocketKey socket, std::string_view name) {
  const auto found = rooms_.find(std::string(name));
  if (found == rooms_.end() || std::erase(found->second.members, socket) == 0) return false;
  const auto own = rooms_of_.find(socket);
  std::erase(own->second, &found->second);
  if (own->second.empty()) rooms_of_.erase(own);
  if (found->second.members.empty()) rooms_.erase(found);
  return true;
}

void SocketRooms::leave_all(SocketKey socket) {
  for (const auto& name : rooms_of(socket)) leave(socket, *name);
}

const SocketRooms::Room* SocketRooms::find(std::string_view name) const {
  const auto found = rooms_.find(std::string(name));
  return found == rooms_.end() ? nullptr : &found->second;
}

std::span<const SocketKey> SocketRooms::members(std::string_view name) const {
  const Room* room = find(name);
  return room == nullptr ? std::span<const SocketKey>{} : std::span<const SocketKey>(room->members);
}

bool SocketRooms::is_member(SocketKey socket, std::string_view name) const {
  const auto in_it = members(name);
  return std::find(in_it.begin(), in_it.end(), socket) != in_it.end();
}

std::vector<std::shared_ptr<const std::string>> SocketRooms::rooms_of(SocketKey socket) const {
  std::vector<std::shared_ptr<const std::string>> names;
  if (const auto found = rooms_of_.find(socket); found != rooms_of_.end()) {
    for (const Room* room : found->second) names.push_back(room->name);
  }
  return names;
}

std::size_t SocketRooms::room_count(SocketKey socket) const {
  const auto found = rooms_of_.find(socket);
  return found == rooms_of_.end() ? 0 : found->second.size();
}

}  // namespace sluice::socketio
