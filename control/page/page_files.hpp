#pragma once

#include <span>
#include <string_view>

namespace sluice {

/// One file of the demo page, as it was when the server was built.
struct PageFile {
  std::string_view path;  // "/index.html", "/client/signaling.js"
  std::string_view tag;   // changes with the content
  std::string_view content;
};

[[nodiscard]] std::span<const PageFile> page_files() noexcept;

}  // namespace sluice
