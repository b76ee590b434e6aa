#include "control/json/json_writer.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += '"';
  // Most texts need no escape at all.
  const bool plain = std::none_of(text.begin(), text.end(),
                                  [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20; });
  if (plain) {
    out += text;
    out += '"';
    return;
  }
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20) {
      out += "\\u00";
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    } else {
      out += c;
    }
  }
  out += '"';
}

void JsonWriter::key(std::string_view key) {
  if (text_.size() > 1) text_ += ',';
  append_json_string(text_, key);
  text_ += ':';
}

JsonWriter& JsonWriter::string(std::string_view name, std::string_view value) {
  key(name);
  append_json_string(text_, value);
  return *this;
}

JsonWriter& JsonWriter::integer(std::string_view name, std::int64_t value) {
  key(name);
  text_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view name, std::string_view json) {
  key(name);
  text_ += json;
  return *this;
}

std::string JsonWriter::finish() {
  text_ += '}';
  return std::move(text_);
}

void JsonArrayWriter::separate() {
  if (text_.size() > 1) text_ += ',';
}

JsonArrayWriter& JsonArrayWriter::raw(std::string_view json) {
  separate();
  text_ += json;
  return *this;
}

JsonArrayWriter& JsonArrayWriter::string(std::string_view value) {
  separate();
  append_json_string(text_, value);
  return *this;
}

std::string JsonArrayWriter::finish() {
  text_ += ']';
  return std::move(text_);
}

}  // namespace sluice
