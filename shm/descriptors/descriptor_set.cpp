#include "shm/descriptors/descriptor_set.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

// SCM_MAX_FD is 253; a round number below it.
constexpr std::size_t batch_max = 128;
// u8 last, u16 count, then per descriptor u8 length and the name.
constexpr std::size_t header_bytes = 3;
constexpr std::size_t message_bytes_max = header_bytes + batch_max * (1 + descriptor_name_max);
constexpr std::size_t control_bytes_max = CMSG_SPACE(batch_max * sizeof(int));

Result<void, DescriptorError> send_batch(int socket, std::span<const NamedDescriptor> batch, bool last) {
  std::array<std::byte, message_bytes_max> message{};
  ByteWriter writer(message);
  writer.u8(last ? 1 : 0);
  writer.u16(static_cast<std::uint16_t>(batch.size()));
  for (const NamedDescriptor& entry : batch) {
    writer.u8(static_cast<std::uint8_t>(entry.name.size()));
    writer.bytes(as_bytes(entry.name));
  }

  alignas(cmsghdr) std::array<std::byte, control_bytes_max> control{};
  iovec data{message.data(), writer.size()};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (!batch.empty()) {
    header.msg_control = control.data();
    header.msg_controllen = CMSG_SPACE(batch.size() * sizeof(int));
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(batch.size() * sizeof(int));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &batch[i].fd, sizeof(int));
    }
  }
  while (::sendmsg(socket, &header, MSG_NOSIGNAL) < 0) {
    if (errno != EINTR) return unexpected(DescriptorError::system);
  }
  return {};
}

/// Owns every descriptor of a message before anything about the message is judged, so that none leaks.
std::vector<Descriptor> claim_rights(msghdr& header) {
  std::vector<Descriptor> received;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(part) + i * sizeof(int), sizeof(int));
      received.emplace_back(fd);
    }
  }
  return received;
}

/// Adds one message to `set`; true when it was the last.
Result<bool, DescriptorError> receive_batch(int socket, DescriptorSet& set) {
  std::array<std::byte, message_bytes_max> message{};
  alignas(cmsghdr) std::array<std::byte, control_bytes_max> control{};
  iovec data{message.data(), message.size()};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  header.msg_control = control.data();
  header.msg_controllen = control.size();
  ssize_t size = 0;
  while ((size = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC)) < 0) {
    if (errno != EINTR) return unexpected(DescriptorError::system);
  }
  std::vector<Descriptor> received = claim_rights(header);
  if (size == 0) return unexpected(DescriptorError::closed);
  if ((header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) return unexpected(DescriptorError::malformed);

  ByteReader reader(Bytes(message).first(static_cast<std::size_t>(size)));
  const bool last = reader.u8() != 0;
  const std::size_t count = reader.u16();
  if (!reader.ok() || count != received.size()) return unexpected(DescriptorError::malformed);
  for (Descriptor& descriptor : received) {
    const Bytes name = reader.take(reader.u8());
    if (!reader.ok() || name.empty() || name.size() > descriptor_name_max) return unexpected(DescriptorError::malformed);
    if (!set.add(std::string(as_text(name)), std::move(descriptor))) return unexpected(DescriptorError::malformed);
  }
  if (reader.remaining() != 0) return unexpected(DescriptorError::malformed);
  return last;
}

}  // namespace

std::string_view to_string(DescriptorError error) noexcept {
  switch (error) {
    case DescriptorError::system:
      return "the system call failed";
    case DescriptorError::closed:
      return "the other side closed";
    case DescriptorError::malformed:
      return "malformed message";
    case DescriptorError::too_many:
      return "too many descriptors or too long a name";
  }
  return "unknown";
}

int DescriptorSet::find(std::string_view name) const noexcept {
  const auto found = descriptors_.find(name);
  return found == descriptors_.end() ? -1 : found->second.get();
}

Descriptor DescriptorSet::take(std::string_view name) {
  const auto found = descriptors_.find(name);
  if (found == descriptors_.end()) return {};
  Descriptor taken = std::move(found->second);
  descriptors_.erase(found);
  return taken;
}

bool DescriptorSet::add(std::string name, Descriptor descriptor) {
  return descriptors_.try_emplace(std::move(name), std::move(descriptor)).second;
}

Result<DescriptorSocketPair, DescriptorError> make_descriptor_sockets() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) return unexpected(DescriptorError::system);
  return DescriptorSocketPair{Descriptor(ends[0]), Descriptor(ends[1])};
}

Result<void, DescriptorError> send_descriptors(int socket, std::span<const NamedDescriptor> descriptors) {
  const auto too_long = [](const NamedDescriptor& d) { return d.name.empty() || d.name.size() > descriptor_name_max; };
  if (descriptors.size() > descriptors_max || std::any_of(descriptors.begin(), descriptors.end(), too_long)) {
    return unexpected(DescriptorError::too_many);
  }
  bool last = false;
  while (!last) {
    const std::size_t count = std::min(batch_max, descriptors.size());
    last = count == descriptors.size();
    if (auto sent = send_batch(socket, descriptors.first(count), last); !sent) return sent;
    descriptors = descriptors.subspan(count);
  }
  return {};
}

Result<DescriptorSet, DescriptorError> receive_descriptors(int socket) {
  DescriptorSet set;
  while (true) {
    const Result<bool, DescriptorError> last = receive_batch(socket, set);
    if (!last) return unexpected(last.error());
    if (set.size() > descriptors_max) return unexpected(DescriptorError::too_many);
    if (*last) return set;
  }
}

}  // namespace sluice
