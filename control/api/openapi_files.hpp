#pragma once

#include <span>
#include <string_view>

namespace sluice {

struct OpenApiFile {
  std::string_view path;  // "/admin.json"
  std::string_view hash;
  std::string_view content;
};
/// The OpenAPI documents, embedded at build time.
[[nodiscard]] std::span<const OpenApiFile> openapi_files() noexcept;

/// The document of "admin" or "governance"; empty if there is none.
[[nodiscard]] inline std::string_view openapi_document(std::string_view api) noexcept {
  for (const OpenApiFile& file : openapi_files()) {
    if (file.path.substr(1, file.path.size() - 6) == api) return file.content;
  }
  return {};
}

}  // namespace sluice
