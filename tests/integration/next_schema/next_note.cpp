#include "next_note.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

namespace sluice::next {
namespace {

/// One write, of a line that tells who reads what.
void tell(const char* what) noexcept {
  std::array<char, 128> line{};
  const int size =
      std::snprintf(line.data(), line.size(), "next schema: %s reads %s\n", program_invocation_short_name, what);
  if (size > 0) [[maybe_unused]]
    const ssize_t written = ::write(STDERR_FILENO, line.data(), static_cast<std::size_t>(size));
}

}  // namespace

bool reads_note(std::uint32_t value) noexcept {
  static bool told_own = false, told_old = false;
  if (value == note && !told_own) {
    told_own = true;
    tell("its own field");
  } else if (value == 0 && !told_old) {
    told_old = true;
    tell("a message without the field");
  }
  return value == note || value == 0;
}

}  // namespace sluice::next
