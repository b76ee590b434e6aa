#include "control/supervisor/roster.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "control/supervisor/process_reading.hpp"
#include "control/supervisor/start_error.hpp"

namespace sluice::supervisor {
namespace {

template <std::size_t N>
std::string text_in(const std::array<char, N>& field) {
  return {field.data(), ::strnlen(field.data(), N)};
}

std::size_t count_of(const RosterLayout& roster) {
  return std::min<std::size_t>(roster.worker_count, RosterLayout::workers_max);
}

std::vector<std::array<std::uint8_t, 16>> sorted_addresses(const std::vector<SocketAddress>& listen) {
  std::vector<std::array<std::uint8_t, 16>> result;
  for (const SocketAddress& address : listen) {
    std::array<std::uint8_t, 16> ip{};
    static_assert(sizeof(address.ip) == sizeof(ip));
    std::memcpy(ip.data(), address.ip.data(), ip.size());
    result.push_back(ip);
  }
  std::sort(result.begin(), result.end());
  return result;
}

}  // namespace

Roster Roster::create(const SupervisorConfig& config, const std::string& fingerprint) {
  const auto addresses = sorted_addresses(config.listen);
  auto segment = RosterSegment::create("sluice-roster", 1, [&](RosterLayout& layout) {
    layout.worker_count = config.worker_count;
    layout.media_port = config.media_port;
    layout.listen_count = static_cast<std::uint16_t>(std::min(addresses.size(), layout.listen.size()));
    std::copy_n(addresses.begin(), layout.listen_count, layout.listen.begin());
    std::copy_n(fingerprint.begin(), std::min(fingerprint.size(), layout.fingerprint.size() - 1),
                layout.fingerprint.begin());
  });
  if (!segment) throw StartError("Cannot create the roster: " + segment.error().to_string());
  Roster roster(std::move(*segment));
  roster.set_folder(config.programs.worker.parent_path());
  return roster;
}

Roster Roster::attach(int fd) {
  auto segment = RosterSegment::attach(fd);
  if (!segment) {
    throw StartError("The server that runs without its supervisor was left by another version of sluice (" +
                     segment.error().to_string() + "): start that version, or end its processes first.");
  }
  return Roster(std::move(*segment));
}

void Roster::check(const SupervisorConfig& config) const {
  const RosterLayout& layout = *segment_;
  const std::string who = "A server without its supervisor runs on media port " + std::to_string(layout.media_port);
  if (layout.worker_count != config.worker_count) {
    throw StartError(who + " with " + std::to_string(layout.worker_count) + " workers: start with --workers.count=" +
                     std::to_string(layout.worker_count) + " to take it over, or end its processes first.");
  }
  const auto addresses = sorted_addresses(config.listen);
  const bool same =
      addresses.size() == layout.listen_count && std::equal(addresses.begin(), addresses.end(), layout.listen.begin());
  if (!same || layout.media_port != config.media_port) {
    throw StartError(who +
                     " at other addresses: start with its --media.listen to take it over, or end its processes first.");
  }
}

std::string Roster::fingerprint() const {
  return text_in(segment_->fingerprint);
}

RosterPlace& Roster::place_in(RosterLayout& layout, Place place) {
  switch (place.kind) {
    case Place::Kind::keeper:
      return layout.keeper;
    case Place::Kind::handshaker:
      return layout.handshaker;
    case Place::Kind::control:
      return layout.control;
    case Place::Kind::worker:
      break;
  }
  return layout.workers.at(place.worker);
}

void Roster::note(Place place, pid_t pid) {
  note_in(place_in(*segment_, place), pid);
}

void Roster::note_in(RosterPlace& row, pid_t pid) {
  const std::optional<ProcessReading> reading = read_process(pid);
  row.pid.store(0, std::memory_order_release);
  row.start_time.store(reading ? reading->start_time : 0, std::memory_order_release);
  row.pid.store(static_cast<std::uint32_t>(pid), std::memory_order_release);
}

std::optional<ChildProcess> Roster::find(Place place) const {
  // The layout is not changed: only a lookup of the row.
  const RosterPlace& row = place_in(const_cast<RosterLayout&>(*segment_), place);
  const std::uint32_t pid = row.pid.load(std::memory_order_acquire);
  if (pid == 0) return std::nullopt;
  return ChildProcess::adopt(static_cast<pid_t>(pid), row.start_time.load(std::memory_order_relaxed));
}

void Roster::set_folder(const std::filesystem::path& folder) {
  const std::string text = folder.string();
  if (text.size() >= RosterLayout::path_max) return;
  // The one that does not count is written, then counts: a death at any moment leaves a whole path.
  const std::uint32_t other = 1 - (segment_->folder.load(std::memory_order_relaxed) & 1U);
  std::array<char, RosterLayout::path_max>& field = segment_->folders[other];
  field.fill('\0');
  std::copy(text.begin(), text.end(), field.begin());
  segment_->folder.store(other, std::memory_order_release);
}

std::filesystem::path Roster::folder() const {
  return text_in(segment_->folders[segment_->folder.load(std::memory_order_acquire) & 1U]);
}

void Roster::set_upgrade_client(int fd) {
  note_in(segment_->upgrader, ::getpid());
  segment_->upgrade_client.store(fd, std::memory_order_release);
}

int Roster::take_upgrade_client() {
  const int fd = segment_->upgrade_client.exchange(0, std::memory_order_acq_rel);
  // The number means something in the process that wrote it only; an exec leaves pid and start time.
  const bool own = segment_->upgrader.pid.load(std::memory_order_acquire) == static_cast<std::uint32_t>(::getpid()) &&
                   lives(segment_->upgrader);
  return own && fd > 0 ? fd : -1;
}

bool lives(const RosterPlace& place) {
  const std::uint32_t pid = place.pid.load(std::memory_order_acquire);
  if (pid == 0) return false;
  const auto reading = read_process(static_cast<pid_t>(pid));
  return reading && reading->start_time == place.start_time.load(std::memory_order_relaxed) && reading->state != 'Z';
}

bool anybody_lives(const RosterLayout& roster) {
  if (lives(roster.handshaker) || lives(roster.control)) return true;
  return std::any_of(roster.workers.begin(), roster.workers.begin() + static_cast<std::ptrdiff_t>(count_of(roster)), lives);
}

}  // namespace sluice::supervisor
