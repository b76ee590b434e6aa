#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice {

enum class JsonKind : std::uint8_t { null, boolean, number, string, array, object };

struct JsonLimits {
  std::size_t depth = 64;      // arrays and objects inside each other, the outermost included
  std::size_t members = 1024;  // of one object, or elements of one array, that is looked into
};

/// One value inside a JSON text that has been validated: a slice, so that what is only passed on stays the very bytes that
/// came in. Borrows the text.
class JsonView {
 public:
  /// Validates `text` (RFC 8259, strict UTF-8, no byte order mark, numbers within double) and gives its one value. Escapes
  /// of lone surrogates are accepted, as by JavaScript. Nothing when invalid or nested deeper than `depth_max`. Time linear;
  /// no recursion.
  [[nodiscard]] static std::optional<JsonView> parse(std::string_view text, std::size_t depth_max = JsonLimits{}.depth);

  [[nodiscard]] JsonKind kind() const noexcept;
  /// The bytes as they came, without surrounding white space.
  [[nodiscard]] std::string_view raw() const noexcept { return raw_; }
  /// As JavaScript sees it: null, false, 0 and "" are not.
  [[nodiscard]] bool truthy() const noexcept;
  /// The same with the escapes of lone surrogates replaced by that of U+FFFD: what any JSON parser takes.
  [[nodiscard]] std::string well_formed() const;
  /// The decoded text of a string, U+FFFD for lone surrogates; nothing for other kinds.
  [[nodiscard]] std::optional<std::string> as_string() const;
  /// A number written as an integer within int64; nothing otherwise (`1.0` and `1e3` are not taken).
  [[nodiscard]] std::optional<std::int64_t> as_integer() const noexcept;
  /// The elements of an array; nothing for other kinds or when there are more than `elements_max`.
  [[nodiscard]] std::optional<std::vector<JsonView>> as_array(std::size_t elements_max = JsonLimits{}.members) const;
  /// The members of these names as JavaScript sees them: of a key that comes twice the last counts, however many others
  /// there are. None for other kinds than objects. One pass, without allocation unless keys have escapes.
  template <std::size_t N>
  [[nodiscard]] std::array<std::optional<JsonView>, N> pick(const std::array<std::string_view, N>& names) const {
    std::array<std::optional<JsonView>, N> found;
    pick(names, found);
    return found;
  }

 private:
  void pick(std::span<const std::string_view> names, std::span<std::optional<JsonView>> found) const;
  friend class JsonObject;
  explicit JsonView(std::string_view raw) noexcept : raw_(raw) {}
  std::string_view raw_;
};

/// An object whose members the server interprets: keys decoded, in order, no key twice.
class JsonObject {
 public:
  using Member = std::pair<std::string, JsonView>;

  /// Nothing when `value` is not an object, has a key twice or more than `members_max` members.
  [[nodiscard]] static std::optional<JsonObject> of(const JsonView& value, std::size_t members_max = JsonLimits{}.members);

  /// Nothing when there is no such member (as `undefined`).
  [[nodiscard]] std::optional<JsonView> find(std::string_view key) const;
  /// The member's text if it is a string that is not empty.
  [[nodiscard]] std::optional<std::string> text(std::string_view key) const;
  /// Whether the member is there and true in JavaScript's sense.
  [[nodiscard]] bool truthy(std::string_view key) const;
  [[nodiscard]] const std::vector<Member>& members() const noexcept { return members_; }

 private:
  std::vector<Member> members_;
};

}  // namespace sluice
