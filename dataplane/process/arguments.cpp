#include "dataplane/process/arguments.hpp"

#include <charconv>
#include <stdexcept>

namespace sluice {

Arguments::Arguments(std::span<char* const> words) {
  for (const char* text : words) {
    std::string_view word(text);
    if (!word.starts_with("--")) throw std::invalid_argument("unexpected argument '" + std::string(word) + "'");
    word.remove_prefix(2);
    const std::size_t equals = word.find('=');
    const std::string_view value = equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1);
    if (!values_.try_emplace(std::string(word.substr(0, equals)), value).second) {
      throw std::invalid_argument("argument '" + std::string(word) + "' is there twice");
    }
  }
}

std::string Arguments::text(std::string_view name, std::string_view otherwise) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(otherwise) : found->second;
}

std::uint32_t Arguments::number(std::string_view name, std::uint32_t max) const {
  const std::string value = text(name, "");
  std::uint32_t result = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
  if (error != std::errc() || end != value.data() + value.size() || result > max) {
    throw std::invalid_argument("--" + std::string(name) + " wants a number up to " + std::to_string(max));
  }
  return result;
}

}  // namespace sluice
