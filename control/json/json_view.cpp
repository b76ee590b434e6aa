#include "control/json/json_view.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string>

#include "control/json/json_validator.hpp"

namespace sluice {
namespace {

using nlohmann::json;

constexpr bool is_space(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// Walks over text that is known to be valid JSON; still never reads past its end.
class Scanner {
 public:
  explicit Scanner(std::string_view text) noexcept : text_(text) {}

  void skip_spaces() noexcept {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  /// Steps over `c` (after white space) if it comes next.
  bool accept(char c) noexcept {
    skip_spaces();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  /// The slice of the next value.
  std::string_view value() noexcept {
    skip_spaces();
    const std::size_t begin = at_;
    if (at_ >= text_.size()) return {};
    if (text_[at_] == '"') {
      skip_string();
    } else if (text_[at_] == '{' || text_[at_] == '[') {
      skip_nested();
    } else {
      while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != ',' && text_[at_] != '}' && text_[at_] != ']')
        ++at_;
    }
    return text_.substr(begin, at_ - begin);
  }

 private:
  void skip_string() noexcept {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, text_.size());
  }
  void skip_nested() noexcept {
    std::size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        skip_string();
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return;
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

/// The code unit that a backslash at `at` begins to escape as \uXXXX; nothing for other escapes.
std::optional<unsigned> escaped_unit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  unsigned unit = 0;
  const char* const end = text.data() + at + 6;
  if (const auto [rest, error] = std::from_chars(text.data() + at + 2, end, unit, 16); error != std::errc{} || rest != end)
    return std::nullopt;
  return unit;
}

/// JavaScript's texts may hold half a surrogate pair, and its JSON has them as escapes; the package takes only whole pairs.
std::string with_lone_surrogates_replaced(std::string_view text) {
  std::string result(text);
  for (std::size_t at = 0; (at = text.find('\\', at)) != std::string_view::npos;) {
    const auto unit = escaped_unit(text, at);
    const bool is_high = unit && *unit >= 0xD800 && *unit < 0xDC00;
    const bool is_low = unit && *unit >= 0xDC00 && *unit < 0xE000;
    const auto second = is_high ? escaped_unit(text, at + 6) : std::nullopt;
    const bool is_pair = second && *second >= 0xDC00 && *second < 0xE000;
    if (is_low || (is_high && !is_pair)) result.replace(at + 2, 4, "fffd");
    at += is_pair ? 12 : unit ? 6 : 2;
  }
  return result;
}

std::string decode(std::string_view raw_string) {
  const std::string_view inside = raw_string.substr(1, raw_string.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return std::string(inside);
  return json::parse(with_lone_surrogates_replaced(raw_string)).get<std::string>();
}

}  // namespace

std::optional<JsonView> JsonView::parse(std::string_view text, std::size_t depth_max) {
  if (!is_valid_json(text, depth_max)) return std::nullopt;
  while (is_space(text.front())) text.remove_prefix(1);
  while (is_space(text.back())) text.remove_suffix(1);
  return JsonView(text);
}

std::string JsonView::well_formed() const {
  return with_lone_surrogates_replaced(raw_);
}

JsonKind JsonView::kind() const noexcept {
  switch (raw_.empty() ? 'n' : raw_.front()) {
    case 'n':
      return JsonKind::null;
    case 't':
    case 'f':
      return JsonKind::boolean;
    case '"':
      return JsonKind::string;
    case '[':
      return JsonKind::array;
    case '{':
      return JsonKind::object;
    default:
      return JsonKind::number;
  }
}

bool JsonView::truthy() const noexcept {
  switch (kind()) {
    case JsonKind::null:
      return false;
    case JsonKind::boolean:
      return raw_ == "true";
    case JsonKind::string:
      return raw_.size() > 2;
    case JsonKind::number: {
      const std::string_view mantissa = raw_.substr(0, raw_.find_first_of("eE"));
      return mantissa.find_first_of("123456789") != std::string_view::npos;
    }
    case JsonKind::array:
    case JsonKind::object:
      break;
  }
  return true;
}

std::optional<std::string> JsonView::as_string() const {
  if (kind() != JsonKind::string) return std::nullopt;
  return decode(raw_);
}

std::optional<std::int64_t> JsonView::as_integer() const noexcept {
  if (kind() != JsonKind::number) return std::nullopt;
  std::int64_t number = 0;
  const char* end = raw_.data() + raw_.size();
  const auto [stopped, error] = std::from_chars(raw_.data(), end, number);
  if (error != std::errc{} || stopped != end) return std::nullopt;
  return number;
}

std::optional<std::vector<JsonView>> JsonView::as_array(std::size_t elements_max) const {
  if (kind() != JsonKind::array) return std::nullopt;
  std::vector<JsonView> elements;
  Scanner scanner(raw_.substr(1));
  if (scanner.accept(']')) return elements;
  do {
    if (elements.size() == elements_max) return std::nullopt;
    elements.push_back(JsonView(scanner.value()));
  } while (scanner.accept(','));
  return elements;
}

void JsonView::pick(std::span<const std::string_view> names, std::span<std::optional<JsonView>> found) const {
  if (kind() != JsonKind::object) return;
  Scanner scanner(raw_.substr(1));
  if (scanner.accept('}')) return;
  std::string decoded;
  do {
    const std::string_view raw_key = scanner.value();
    std::string_view key = raw_key.substr(1, raw_key.size() - 2);
    if (key.find('\\') != std::string_view::npos) key = decoded = decode(raw_key);
    scanner.accept(':');
    const std::string_view member = scanner.value();
    const auto name = std::find(names.begin(), names.end(), key);
    if (name != names.end()) found[static_cast<std::size_t>(name - names.begin())] = JsonView(member);
  } while (scanner.accept(','));
}

std::optional<JsonObject> JsonObject::of(const JsonView& value, std::size_t members_max) {
  if (value.kind() != JsonKind::object) return std::nullopt;
  JsonObject object;
  Scanner scanner(value.raw().substr(1));
  if (scanner.accept('}')) return object;
  do {
    if (object.members_.size() == members_max) return std::nullopt;
    std::string key = decode(scanner.value());
    scanner.accept(':');
    object.members_.emplace_back(std::move(key), JsonView(scanner.value()));
  } while (scanner.accept(','));

  std::vector<std::string_view> keys;
  keys.reserve(object.members_.size());
  for (const Member& member : object.members_) keys.emplace_back(member.first);
  std::sort(keys.begin(), keys.end());
  if (std::adjacent_find(keys.begin(), keys.end()) != keys.end()) return std::nullopt;
  return object;
}

std::optional<JsonView> JsonObject::find(std::string_view key) const {
  for (const auto& [name, value] : members_) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::optional<std::string> JsonObject::text(std::string_view key) const {
  const auto value = find(key);
  if (!value || !value->truthy()) return std::nullopt;
  return value->as_string();
}

bool JsonObject::truthy(std::string_view key) const {
  const auto value = find(key);
  return value && value->truthy();
}

}  // namespace sluice
