#include "control/cli/table.hpp"

#include <algorithm>
#include <vector>

namespace sluice::cli {

using nlohmann::json;

namespace {

constexpr std::size_t cell_max = 60;

/// Columns of a UTF-8 text, near enough: its characters.
std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cell(const json& value) {
  if (value.is_null()) return "-";
  std::string text =
      printable(value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, json::error_handler_t::replace));
  if (width_of(text) <= cell_max) return text;
  std::size_t end = cell_max - 1;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

bool is_table(const json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const json& row) { return row.is_object(); });
}

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, width_of(text)), ' ');
}

std::string table(const json& rows) {
  std::vector<std::string> columns;
  for (const json& row : rows) {
    for (const auto& [name, value] : row.items()) {
      if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
    }
  }
  // What names a row stands first.
  for (const char* first : {"roomId", "name", "id"}) {
    const auto found = std::find(columns.begin(), columns.end(), first);
    if (found != columns.end()) std::rotate(columns.begin(), found, found + 1);
  }
  std::vector<std::vector<std::string>> cells{columns};
  for (const json& row : rows) {
    std::vector<std::string> line;
    for (const std::string& column : columns) line.push_back(cell(row.value(column, json())));
    cells.push_back(std::move(line));
  }
  std::string out;
  for (std::size_t r = 0; r < cells.size(); ++r) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      std::size_t width = 0;
      for (const auto& line : cells) width = std::max(width, width_of(line[c]));
      out += c + 1 == columns.size() ? cells[r][c] : padded(cells[r][c], width + 2);
    }
    out += '\n';
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) result += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return result;
}

std::string for_people(const json& result) {
  if (is_table(result)) return table(result);
  if (!result.is_object()) return cell(result) + "\n";
  if (result.size() == 1 && result.begin()->is_object() && !result.begin()->empty()) return for_people(*result.begin());
  std::size_t width = 0;
  for (const auto& [name, value] : result.items()) width = std::max(width, width_of(name));
  std::string out;
  std::string tables;
  for (const auto& [name, value] : result.items()) {
    if (is_table(value)) {
      tables += (result.size() > 1 ? name + ":\n" : "") + table(value);
    } else if (value.is_array() && value.empty()) {
      out += padded(printable(name), width + 2) + "(none)\n";
    } else {
      out += padded(printable(name), width + 2) + cell(value) + "\n";
    }
  }
  return out + tables;
}

}  // namespace sluice::cli
