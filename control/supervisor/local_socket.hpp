#pragma once

#include <sys/socket.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>

#include "shm/descriptors/descriptor.hpp"

namespace sluice::supervisor {

/// Unix sockets (SOCK_SEQPACKET, close-on-exec) under a name in the runtime folder. Both sides check who the other is.

/// Listens under `path`, which no socket may have. Invalid with errno set.
[[nodiscard]] Descriptor listen_at(const std::filesystem::path& path);
/// Connects to `path`; sending and receiving give up after `patience`. Invalid with errno set: ENOENT or ECONNREFUSED when
/// nobody listens.
[[nodiscard]] Descriptor connect_to(const std::filesystem::path& path, std::chrono::milliseconds patience);
/// The next connection of `listener`, if it comes from `user`; others are closed. Invalid when there is none.
[[nodiscard]] Descriptor accept_from(int listener, uid_t user, std::chrono::milliseconds patience);
/// The process at the other end when the connection was made.
[[nodiscard]] std::optional<ucred> peer_of(int socket);

}  // namespace sluice::supervisor
