#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <ostream>
#include <string>
#include <string_view>

namespace sluice {

/// A strong text id: kinds do not mix, the text is opaque.
template <typename Tag>
struct TextId {
  std::string value;

  TextId() = default;
  explicit TextId(std::string text) : value(std::move(text)) {}
  [[nodiscard]] std::string_view view() const noexcept { return value; }
  [[nodiscard]] bool empty() const noexcept { return value.empty(); }
  friend auto operator<=>(const TextId&, const TextId&) = default;
  friend bool operator==(const TextId&, const TextId&) = default;
  friend std::ostream& operator<<(std::ostream& out, const TextId& id) { return out << id.value; }
};

using PeerId = TextId<struct PeerIdTag>;          // UUID v4, lower case, made by the server
using RoomId = TextId<struct RoomIdTag>;          // chosen by clients, verbatim, any Unicode, bounded (JoinLimits)
using ProducerId = TextId<struct ProducerIdTag>;  // "prod-" and [a-z0-9]{16}, names a publication
using ConsumerId = TextId<struct ConsumerIdTag>;  // "cons-" and [a-z0-9]{16}, names a subscription

/// The peer id that stands for the server's media side on the wire (contract section 15).
inline constexpr std::string_view sfu_peer_id = "__sfu__";

}  // namespace sluice

template <typename Tag>
struct std::hash<sluice::TextId<Tag>> {
  std::size_t operator()(const sluice::TextId<Tag>& id) const noexcept { return std::hash<std::string>{}(id.value); }
};
