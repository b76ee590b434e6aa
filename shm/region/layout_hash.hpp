#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

namespace sluice {

/// Where one field lies in a shared struct.
struct FieldSpan {
  std::size_t offset = 0;
  std::size_t size = 0;
};

/// A number that changes when a field moves or grows, when the struct does, or when one of the structs inside it does
/// (pass their hashes as `inner`). FNV-1a over the numbers; it finds mistakes, it does not stop an attacker.
[[nodiscard]] constexpr std::uint64_t layout_hash(std::size_t struct_size, std::initializer_list<FieldSpan> fields,
                                                  std::initializer_list<std::uint64_t> inner = {}) {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto mix = [&hash](std::uint64_t value) {
    for (unsigned i = 0; i < 8; ++i) {
      hash ^= value >> (8 * i) & 0xffU;
      hash *= 0x100000001b3ULL;
    }
  };
  mix(struct_size);
  for (const FieldSpan& field : fields) {
    mix(field.offset);
    mix(field.size);
  }
  for (const std::uint64_t value : inner) mix(value);
  return hash;
}

/// Lets a wrong declaration fail to compile: the field lies at `at` and takes `bytes`.
#define SLUICE_FIELD(type, member, at, bytes)                                     \
  static_assert(offsetof(type, member) == (at), #type "::" #member " has moved"); \
  static_assert(sizeof(type::member) == (bytes), #type "::" #member " changed size")

/// The span of a field, for layout_hash().
#define SLUICE_SPAN(type, member)                \
  ::sluice::FieldSpan {                          \
    offsetof(type, member), sizeof(type::member) \
  }

/// What may lie in shared memory: no pointers can be checked for, but no vtable, no constructor that must run, no copy
/// that is more than its bytes.
template <typename T>
concept SharedLayout = std::is_standard_layout_v<T> && std::is_trivially_destructible_v<T>;

/// Our own, because std::hardware_destructive_interference_size may differ between compilers that build the two sides.
/// Two lines of 64, because Intel's L2 prefetches them in pairs.
inline constexpr std::size_t shared_line_bytes = 128;

}  // namespace sluice
