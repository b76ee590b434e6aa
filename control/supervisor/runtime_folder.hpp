#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shm/types/address.hpp"

namespace sluice::supervisor {

/// Where the sockets of a running server lie: /run/sluice if it can be written, else $XDG_RUNTIME_DIR/sluice, else
/// sluice-UID in the folder for temporary files. Made if it is missing, for its owner only. Nothing if none of them is a
/// folder of this user that no other user may write: a stranger could put a socket of his own there.
[[nodiscard]] std::optional<std::filesystem::path> runtime_folder();
/// The same with the three places given, for tests; empty ones are skipped.
[[nodiscard]] std::optional<std::filesystem::path> first_usable_folder(std::initializer_list<std::filesystem::path> places);

/// How the sockets of one server are called in that folder, behind "keeper-" and "serve-": "40000.sock", or
/// "40000@192.0.2.1,2001:db8::1.sock" where it listens on some addresses only. Two servers of a user may share a media port
/// on different addresses.
[[nodiscard]] std::string socket_name(std::uint16_t media_port, const std::vector<SocketAddress>& listen);

}  // namespace sluice::supervisor
