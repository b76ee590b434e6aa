#pragma once

#include <cstddef>
#include <cstdint>

#include "shm/types/bytes.hpp"

namespace sluice {

/// One header extension element (RFC 8285); `data` borrows. id 0: none.
struct ExtensionElement {
  std::uint8_t id = 0;
  std::size_t offset = 0;  // of the data, from the start of the block
  Bytes data;
};

/// The elements of an RTP header extension block (RFC 8285 sections 4.2 and 4.3), without its profile and length words.
/// A block of another profile has no elements.
///
///   one byte:  | ID (4) | len-1 (4) | data ...      two byte:  | ID (8) | len (8) | data ...
class ExtensionBlock {
 public:
  static constexpr std::uint16_t one_byte_profile = 0xbede;
  static constexpr std::uint16_t two_byte_profile = 0x1000;  // the low four bits are the application's

  constexpr ExtensionBlock(std::uint16_t profile, Bytes elements) noexcept : profile_(profile), elements_(elements) {}

  [[nodiscard]] constexpr bool is_one_byte() const noexcept { return profile_ == one_byte_profile; }
  [[nodiscard]] constexpr bool is_two_byte() const noexcept { return (profile_ & 0xfff0U) == two_byte_profile; }

  /// Whether every element lies inside the block.
  [[nodiscard]] bool valid() const noexcept {
    Cursor cursor(*this);
    while (cursor.next().id != 0) {
    }
    return cursor.ok();
  }
  /// The first element with this id; id 0 in the result when there is none.
  [[nodiscard]] ExtensionElement find(std::uint8_t id) const noexcept {
    if (id == 0) return {};
    Cursor cursor(*this);
    for (ExtensionElement element = cursor.next(); element.id != 0; element = cursor.next())
      if (element.id == id) return element;
    return {};
  }
  /// Calls `visit(const ExtensionElement&)` for each element in order.
  template <typename Visit>
  void for_each(Visit&& visit) const noexcept {
    Cursor cursor(*this);
    for (ExtensionElement element = cursor.next(); element.id != 0; element = cursor.next()) visit(element);
  }

 private:
  /// Walks the elements; id 0 at the end or at the first element that does not fit (then ok() is false).
  class Cursor {
   public:
    explicit Cursor(const ExtensionBlock& block) noexcept
        : elements_(block.is_one_byte() || block.is_two_byte() ? block.elements_ : Bytes{}),
          one_byte_(block.is_one_byte()) {}
    ExtensionElement next() noexcept;
    [[nodiscard]] bool ok() const noexcept { return ok_; }

   private:
    Bytes elements_;
    std::size_t at_ = 0;
    bool one_byte_;
    bool ok_ = true;
  };

  std::uint16_t profile_;
  Bytes elements_;
};

inline ExtensionElement ExtensionBlock::Cursor::next() noexcept {
  while (at_ < elements_.size()) {
    const auto first = std::to_integer<std::uint8_t>(elements_[at_]);
    if (first == 0) {  // padding between elements
      ++at_;
      continue;
    }
    std::uint8_t id = first;
    std::size_t size = 0;
    std::size_t data_at = at_ + 1;
    if (one_byte_) {
      id = first >> 4U;
      // 15 is reserved and 0 with a length is forbidden: what follows is not looked at (RFC 8285 section 4.2).
      if (id == 15 || id == 0) {
        at_ = elements_.size();
        return {};
      }
      size = (first & 0x0fU) + std::size_t{1};
    } else {
      if (data_at == elements_.size()) {
        ok_ = false;
        return {};
      }
      size = std::to_integer<std::size_t>(elements_[data_at]);
      ++data_at;
    }
    if (size > elements_.size() - data_at) {
      ok_ = false;
      return {};
    }
    at_ = data_at + size;
    return {id, data_at, elements_.subspan(data_at, size)};
  }
  return {};
}

}  // namespace sluice
