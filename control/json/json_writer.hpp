#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice {

/// Appends `text` (valid UTF-8) to `out` as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

/// Writes one JSON object, member by member in the order of the calls; keys are given by the program or decoded text.
/// Nested values come as raw JSON (`raw`), written by another writer or kept from input.
class JsonWriter {
 public:
  JsonWriter() : text_("{") {}
  /// Begins with a `type` member: the form of every message.
  explicit JsonWriter(std::string_view type) : JsonWriter() { string("type", type); }

  JsonWriter& string(std::string_view name, std::string_view value);
  JsonWriter& integer(std::string_view name, std::int64_t value);
  JsonWriter& boolean(std::string_view key, bool value) { return raw(key, value ? "true" : "false"); }
  JsonWriter& null(std::string_view key) { return raw(key, "null"); }
  /// `json` must be one valid JSON text.
  JsonWriter& raw(std::string_view name, std::string_view json);
  /// The finished object; the writer is used up.
  [[nodiscard]] std::string finish();

 private:
  void key(std::string_view key);
  std::string text_;
};

/// Writes a JSON array the same way.
class JsonArrayWriter {
 public:
  JsonArrayWriter& raw(std::string_view json);
  JsonArrayWriter& string(std::string_view value);
  [[nodiscard]] std::string finish();

 private:
  void separate();
  std::string text_ = "[";
};

}  // namespace sluice
