#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace sluice::supervisor {

/// Where the sockets of a running server lie: /run/sluice if it can be written, else $XDG_RUNTIME_DIR/sluice, else
/// sluice-UID in the folder for temporary files. Made if it is missing, for its owner only. Nothing if none of them is a
/// folder of this user that no other user may write: a stranger could put a socket of his own there.
[[nodiscard]] std::optional<std::filesystem::path> runtime_folder();
/// The same with the three places given, for tests; empty ones are skipped.
[[nodiscard]] std::optional<std::filesystem::path> first_usable_folder(std::initializer_list<std::filesystem::path> places);

}  // namespace sluice::supervisor
