#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "shm/descriptors/descriptor.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// Why descriptors did not arrive. `errno` still tells the detail of `system`.
enum class DescriptorError : std::uint8_t {
  system,     ///< sendmsg or recvmsg failed
  closed,     ///< the other side closed before the last message
  malformed,  ///< a message that send_descriptors does not write: names and descriptors differ in number, a name twice
  too_many,   ///< more than descriptors_max, or a name longer than descriptor_name_max
};
[[nodiscard]] std::string_view to_string(DescriptorError error) noexcept;

/// Bounds of one hand-over. 256 workers with eight descriptors each stay below the first.
inline constexpr std::size_t descriptors_max = 2560;
inline constexpr std::size_t descriptor_name_max = 63;

/// A descriptor that somebody else owns, under the name by which its receiver asks for it.
struct NamedDescriptor {
  std::string name;  // e.g. "shared.0"; the table in docs/adr/0001 lists them
  int fd = -1;
};

/// Descriptors that a process got from its supervisor, by name.
class DescriptorSet {
 public:
  /// The descriptor of that name, still owned by the set; -1 when there is none.
  [[nodiscard]] int find(std::string_view name) const noexcept;
  /// Moves it out of the set; an invalid Descriptor when there is none.
  [[nodiscard]] Descriptor take(std::string_view name);
  [[nodiscard]] std::size_t size() const noexcept { return descriptors_.size(); }
  /// False when the name is taken already (then `descriptor` is closed).
  bool add(std::string name, Descriptor descriptor);
  [[nodiscard]] const std::map<std::string, Descriptor, std::less<>>& all() const noexcept { return descriptors_; }

 private:
  std::map<std::string, Descriptor, std::less<>> descriptors_;
};

/// The two ends over which a supervisor hands descriptors to a child: SOCK_SEQPACKET, close-on-exec.
struct DescriptorSocketPair {
  Descriptor parent;
  Descriptor child;
};
[[nodiscard]] Result<DescriptorSocketPair, DescriptorError> make_descriptor_sockets();

/// Sends all `descriptors` by SCM_RIGHTS over `socket` (one end of make_descriptor_sockets()), in as many messages as the
/// kernel's limit of 253 a message asks for; the last one is marked, so an empty set is a message too. Does not block for a
/// receiver as long as the socket's buffer holds them, which it does for descriptors_max. Ownership stays with the caller.
[[nodiscard]] Result<void, DescriptorError> send_descriptors(int socket, std::span<const NamedDescriptor> descriptors);

/// Receives what one call of send_descriptors() sent; blocks until it is all there. The descriptors are close-on-exec.
[[nodiscard]] Result<DescriptorSet, DescriptorError> receive_descriptors(int socket);

}  // namespace sluice
