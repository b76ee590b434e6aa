#include "dataplane/ice/username.hpp"

#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

constexpr std::uint16_t binding_request = 0x0001;
constexpr std::uint32_t magic_cookie = 0x2112a442;
constexpr std::uint16_t username_attribute = 0x0006;
constexpr std::size_t transaction_id_size = 12;
// USERNAME comes among the first; a peer that hides it behind more is not a browser.
constexpr int attributes_max = 16;

}  // namespace

std::optional<std::string_view> parse_username_ufrag(Bytes datagram) noexcept {
  ByteReader reader(datagram);
  const std::uint16_t type = reader.u16();
  const std::size_t length = reader.u16();
  const std::uint32_t cookie = reader.u32();
  reader.skip(transaction_id_size);
  if (type != binding_request || cookie != magic_cookie || !reader.ok() || length != reader.remaining()) return std::nullopt;
  for (int i = 0; i < attributes_max && reader.remaining() > 0; ++i) {
    const std::uint16_t attribute = reader.u16();
    const std::size_t size = reader.u16();
    const Bytes value = reader.take(size);
    reader.skip((4 - size % 4) % 4);
    if (!reader.ok()) return std::nullopt;
    if (attribute != username_attribute) continue;
    const std::string_view username = as_text(value);
    const std::size_t colon = username.find(':');
    if (colon == std::string_view::npos || colon == 0) return std::nullopt;
    return username.substr(0, colon);
  }
  return std::nullopt;
}

}  // namespace sluice
