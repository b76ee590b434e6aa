#include "dataplane/engine/train.hpp"

#include <netinet/udp.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice {
namespace {

// A UDP payload over IPv4 holds 65,507 bytes; sixteen slots of the pool stay below it.
static_assert(Train::packets_max * 2048 <= 65507);

}  // namespace

bool Train::accepts(const Tuple& tuple, std::size_t size) const noexcept {
  return !closed && count < packets_max && size <= segment_bytes && to == tuple;
}

void Train::append(PacketBuffer packet) noexcept {
  if (count == 0) segment_bytes = packet.size();
  closed = packet.size() < segment_bytes || count + 1 == packets_max;
  bytes += packet.size();
  packets[count++] = std::move(packet);
}

void Train::prepare(sa_family_t family) noexcept {
  for (std::size_t i = 0; i < count; ++i) parts[i] = {packets[i].bytes().data(), packets[i].size()};
  header = {};
  header.msg_name = &name;
  header.msg_namelen = write_socket_name(to.remote, family, name);
  header.msg_iov = parts.data();
  header.msg_iovlen = count;
  if (count < 2) return;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  cmsghdr* segment = CMSG_FIRSTHDR(&header);
  segment->cmsg_level = SOL_UDP;
  segment->cmsg_type = UDP_SEGMENT;
  segment->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
  const auto size = static_cast<std::uint16_t>(segment_bytes);
  std::memcpy(CMSG_DATA(segment), &size, sizeof(size));
}

void Train::clear() noexcept {
  for (std::size_t i = 0; i < count; ++i) packets[i].reset();
  count = 0;
  segment_bytes = 0;
  bytes = 0;
  closed = false;
}

TrainYard::TrainYard(std::uint32_t trains, const MediaSocketSet& sockets, EngineStatistics& statistics)
    : trains_(trains), ready_(trains), sockets_(sockets.sockets), join_(sockets.send_offload), statistics_(statistics) {
  free_.reserve(trains);
  for (std::uint32_t i = trains; i > 0; --i) free_.push_back(i - 1);
}

void TrainYard::add(const Tuple& to, PacketBuffer packet) noexcept {
  if (packet.size() == 0) return;
  if (to.socket >= sockets_.size() || sockets_[to.socket].fd < 0) {
    ++statistics_.no_socket;
    return;
  }
  if (open_ && !trains_[*open_].accepts(to, packet.size())) close_open();
  Train* train = open_for(to);
  if (train == nullptr) {
    ++statistics_.send_queue_full;
    return;
  }
  train->append(std::move(packet));
  if (train->closed || !join_) close_open();
}

Train* TrainYard::open_for(const Tuple& to) noexcept {
  if (!open_) {
    if (free_.empty()) return nullptr;
    open_ = free_.back();
    free_.pop_back();
    trains_[*open_].to = to;
  }
  return &trains_[*open_];
}

void TrainYard::close_open() noexcept {
  if (!open_) return;
  Train& train = trains_[*open_];
  train.prepare(sockets_[train.to.socket].family);
  (void)ready_.push(*open_);  // as large as the yard
  open_.reset();
}

void TrainYard::release(std::uint32_t index) noexcept {
  trains_[index].clear();
  free_.push_back(index);
}

void TrainYard::completed(std::uint32_t index) noexcept {
  const Train& train = trains_[index];
  ++statistics_.messages_sent;
  statistics_.packets_sent += train.count;
  statistics_.bytes_sent += train.bytes;
  release(index);
}

void TrainYard::refused(std::uint32_t index, int error) noexcept {
  Train& train = trains_[index];
  // EINVAL and EMSGSIZE: a segment exceeds the route's MTU, where a single packet would be fragmented. EIO: the device
  // cannot do the checksums of segments; it will not learn it.
  if (train.count < 2 || (error != EINVAL && error != EMSGSIZE && error != EIO)) {
    statistics_.send_failures += train.count;
    release(index);
    return;
  }
  ++statistics_.trains_split;
  if (error == EIO) join_ = false;
  for (std::size_t i = 0; i < train.count; ++i) {
    if (free_.empty()) {
      ++statistics_.send_queue_full;
      continue;
    }
    const std::uint32_t single = free_.back();
    free_.pop_back();
    trains_[single].to = train.to;
    trains_[single].append(std::move(train.packets[i]));
    trains_[single].prepare(sockets_[train.to.socket].family);
    (void)ready_.push(single);
  }
  release(index);
}

}  // namespace sluice
