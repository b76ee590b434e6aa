#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "shm/types/bytes.hpp"

namespace sluice {

/// Reads big-endian fields from a span. A read past the end fails and makes every later one fail, so a parser may read
/// all its fields and ask ok() once.
class ByteReader {
 public:
  explicit constexpr ByteReader(Bytes bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] constexpr bool ok() const noexcept { return ok_; }
  [[nodiscard]] constexpr std::size_t position() const noexcept { return position_; }
  [[nodiscard]] constexpr std::size_t remaining() const noexcept { return ok_ ? bytes_.size() - position_ : 0; }

  constexpr std::uint8_t u8() noexcept { return static_cast<std::uint8_t>(unsigned_of(1)); }
  constexpr std::uint16_t u16() noexcept { return static_cast<std::uint16_t>(unsigned_of(2)); }
  constexpr std::uint32_t u24() noexcept { return static_cast<std::uint32_t>(unsigned_of(3)); }
  constexpr std::uint32_t u32() noexcept { return static_cast<std::uint32_t>(unsigned_of(4)); }
  constexpr std::uint64_t u64() noexcept { return unsigned_of(8); }

  /// The next `size` bytes, borrowed; empty (and not ok) when there are fewer.
  constexpr Bytes take(std::size_t size) noexcept {
    if (!ok_ || size > bytes_.size() - position_) {
      ok_ = false;
      return {};
    }
    const Bytes result = bytes_.subspan(position_, size);
    position_ += size;
    return result;
  }
  constexpr Bytes rest() noexcept { return take(remaining()); }
  constexpr void skip(std::size_t size) noexcept { (void)take(size); }

 private:
  constexpr std::uint64_t unsigned_of(std::size_t size) noexcept {
    std::uint64_t value = 0;
    for (const std::byte b : take(size)) value = value << 8U | std::to_integer<std::uint64_t>(b);
    return value;
  }
  Bytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

/// Writes big-endian fields into a span. A write past the end writes nothing and makes ok() false.
class ByteWriter {
 public:
  explicit constexpr ByteWriter(MutableBytes bytes) noexcept : bytes_(bytes) {}
  [[nodiscard]] constexpr bool ok() const noexcept { return ok_; }
  [[nodiscard]] constexpr std::size_t size() const noexcept { return position_; }
  [[nodiscard]] constexpr std::size_t remaining() const noexcept { return ok_ ? bytes_.size() - position_ : 0; }
  [[nodiscard]] constexpr MutableBytes written() const noexcept { return bytes_.first(position_); }

  constexpr void u8(std::uint8_t value) noexcept { put(value, 1); }
  constexpr void u16(std::uint16_t value) noexcept { put(value, 2); }
  constexpr void u24(std::uint32_t value) noexcept { put(value, 3); }
  constexpr void u32(std::uint32_t value) noexcept { put(value, 4); }
  constexpr void u64(std::uint64_t value) noexcept { put(value, 8); }
  constexpr void bytes(Bytes source) noexcept {
    const MutableBytes room = claim(source.size());
    for (std::size_t i = 0; i < room.size(); ++i) room[i] = source[i];
  }
  constexpr void fill(std::byte value, std::size_t size) noexcept {
    for (std::byte& b : claim(size)) b = value;
  }
  /// Room for `size` bytes to be written by the caller; empty (and not ok) when there is less.
  constexpr MutableBytes claim(std::size_t size) noexcept {
    if (!ok_ || size > bytes_.size() - position_) {
      ok_ = false;
      return {};
    }
    const MutableBytes room = bytes_.subspan(position_, size);
    position_ += size;
    return room;
  }

 private:
  constexpr void put(std::uint64_t value, std::size_t size) noexcept {
    const MutableBytes room = claim(size);
    for (std::size_t i = 0; i < room.size(); ++i) room[i] = static_cast<std::byte>(value >> (8 * (room.size() - 1 - i)));
  }
  MutableBytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

/// Big-endian access at an offset that was validated when the packet was parsed.
[[nodiscard]] inline std::uint16_t load_u16(Bytes bytes, std::size_t at) noexcept { return ByteReader(bytes.subspan(at, 2)).u16(); }
[[nodiscard]] inline std::uint32_t load_u32(Bytes bytes, std::size_t at) noexcept { return ByteReader(bytes.subspan(at, 4)).u32(); }
inline void store_u16(MutableBytes bytes, std::size_t at, std::uint16_t value) noexcept { ByteWriter(bytes.subspan(at, 2)).u16(value); }
inline void store_u32(MutableBytes bytes, std::size_t at, std::uint32_t value) noexcept { ByteWriter(bytes.subspan(at, 4)).u32(value); }

}  // namespace sluice
