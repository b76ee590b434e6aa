#pragma once

#include <span>
#include <string_view>

namespace sluice {
namespace cli {

/// One file that `sluice init` writes.
struct TemplateFile {
  std::string_view path;  // "/basic/sluice.yaml"; names of hidden files go without their dot: "/basic/env.example"
  std::string_view hash;
  std::string_view content;  // @NAME@ stands for the project's name
};

}  // namespace cli

[[nodiscard]] std::span<const cli::TemplateFile> template_files() noexcept;

}  // namespace sluice
