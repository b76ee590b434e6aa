#include "control/signaling/socketio/recovery_store.hpp"

#include <algorithm>

namespace sluice::socketio {
namespace {

// Ascending in ASCII, so that the texts are ordered like the numbers.
constexpr std::string_view digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::size_t offset_size = 8;  // 62^8 events: three years of two million a second

std::string offset_of(std::uint64_t number) {
  std::string text(offset_size, '0');
  for (std::size_t i = offset_size; i > 0; --i) {
    text[i - 1] = digits[number % digits.size()];
    number /= digits.size();
  }
  return text;
}

std::optional<std::uint64_t> number_of(std::string_view offset) {
  if (offset.size() != offset_size) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : offset) {
    const std::size_t digit = digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    number = number * digits.size() + digit;
  }
  return number;
}

}  // namespace

std::string RecoveryStore::next_offset() {
  return offset_of(++last_number_);
}

std::size_t RecoveryStore::bytes_of(const Kept& event) {
  std::size_t bytes = sizeof(Kept) + 64 + event.packet.text->size();
  for (const SharedText& attachment : event.packet.attachments) bytes += attachment->size();
  return bytes;
}

void RecoveryStore::keep(OutPacket packet, Target target, TimePoint now) {
  events_.push_back({last_number_, now, std::move(packet), std::move(target)});
  bytes_ += bytes_of(events_.back());
  forget_old(now);
}

void RecoveryStore::forget_old(TimePoint now) {
  const TimePoint oldest = now - settings_.disconnection_max;
  while (!events_.empty() && (events_.front().at < oldest || bytes_ > settings_.bytes_max)) {
    dropped_up_to_ = events_.front().number;
    bytes_ -= bytes_of(events_.front());
    events_.pop_front();
  }
  while (!lost_in_order_.empty() && (lost_in_order_.front().first <= now || lost_.size() > settings_.sessions_max)) {
    forget_lost(lost_in_order_.front().second);
    lost_in_order_.pop_front();
  }
}

void RecoveryStore::forget_lost(const std::string& pid) {
  const auto found = lost_.find(pid);
  if (found == lost_.end()) return;
  pid_of_.erase(found->second.lost.id);
  lost_.erase(found);
}

void RecoveryStore::lose(std::string pid, Lost lost, TimePoint now) {
  const TimePoint until = now + settings_.disconnection_max;
  forget_lost(pid);
  pid_of_[lost.id] = pid;
  lost_in_order_.emplace_back(until, pid);
  lost_[std::move(pid)] = {until, std::move(lost)};
  forget_old(now);
}

std::optional<RecoveryStore::Lost> RecoveryStore::take(std::string_view pid, std::string_view offset, TimePoint now) {
  const auto number = number_of(offset);
  const auto found = lost_.find(std::string(pid));
  if (!number || found == lost_.end() || found->second.until <= now) return std::nullopt;
  forget_old(now);
  const bool complete = *number >= dropped_up_to_ && *number <= last_number_;
  if (!complete || !lost_.contains(std::string(pid))) return std::nullopt;
  Lost lost = std::move(found->second.lost);
  pid_of_.erase(lost.id);
  lost_.erase(found);
  // A client that comes and goes many times leaves an entry each time until it expires: those in front that are taken go
  // now.
  while (!lost_in_order_.empty() && !lost_.contains(lost_in_order_.front().second)) lost_in_order_.pop_front();
  return lost;
}

std::vector<OutPacket> RecoveryStore::missed(const Lost& lost, std::string_view offset) const {
  const std::uint64_t after = number_of(offset).value_or(last_number_);
  const auto first = std::upper_bound(events_.begin(), events_.end(), after,
                                      [](std::uint64_t number, const Kept& event) { return number < event.number; });
  std::vector<OutPacket> packets;
  for (auto event = first; event != events_.end(); ++event) {
    const Target& target = event->target;
    const bool in_room =
        target.room != nullptr && target.except != lost.socket &&
        std::any_of(lost.rooms.begin(), lost.rooms.end(), [&](const RoomName& room) { return *room == *target.room; });
    if (in_room || target.socket == lost.socket) packets.push_back(event->packet);
  }
  return packets;
}

std::optional<SocketKey> RecoveryStore::lost_socket(std::string_view id, TimePoint now) {
  const auto pid = pid_of_.find(std::string(id));
  if (pid == pid_of_.end()) return std::nullopt;
  const auto found = lost_.find(pid->second);
  if (found == lost_.end() || found->second.until <= now) return std::nullopt;
  return found->second.lost.socket;
}

}  // namespace sluice::socketio
