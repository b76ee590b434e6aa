#include "control/cli/init_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "control/cli/flags.hpp"
#include "control/cli/template_files.hpp"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::array templates{"basic", "advanced", "sfu", "enterprise"};
constexpr const char* usage =
    "usage: sluice init [DIR] [--template basic|advanced|sfu|enterprise]\n\n"
    "Writes a configuration that 'sluice serve --config sluice.yaml' starts, with a README, into DIR (default: here).\n"
    "  basic       rooms and media, nothing else\n"
    "  advanced    access rules, sessions, limits, threats, metrics, audit log, admin API\n"
    "  sfu         media with adaptive layers and metrics\n"
    "  enterprise  every module\n";

int fail(const std::string& sentence) {
  std::fprintf(stderr, "sluice init: %s\n", sentence.c_str());
  return 1;
}

/// 256 random bits in hexadecimal.
std::string random_secret() {
  std::array<unsigned char, 32> bytes{};
  if (::getentropy(bytes.data(), bytes.size()) != 0) std::abort();
  std::string text;
  for (const unsigned char byte : bytes) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", byte);
    text += digits.data();
  }
  return text;
}

/// Each secret is another one.
std::string filled(std::string_view content, const std::string& name) {
  std::string text(content);
  for (const std::string_view mark : {"@NAME@", "@SECRET@"}) {
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
      const std::string value = mark == "@NAME@" ? name : random_secret();
      text.replace(at, mark.size(), value);
      at += value.size();
    }
  }
  return text;
}

/// Package files of ours go without the dots that hide them.
std::string written_name(std::string_view name) {
  if (name == "env" || name == "env.example" || name == "gitignore") return "." + std::string(name);
  return std::string(name);
}

}  // namespace

int init(std::span<const std::string> arguments) {
  const CommandFlags flags(arguments, {"template"}, {"help"});
  if (flags.has("help")) {
    std::fputs(usage, stdout);
    return 0;
  }
  if (!flags.complaint().empty() || flags.rest().size() > 1) {
    std::fprintf(stderr, "sluice init: %s.\n%s",
                 flags.complaint().empty() ? "one folder at most" : flags.complaint().c_str(), usage);
    return 2;
  }
  const std::string chosen = flags.text("template", "basic");
  if (std::find(templates.begin(), templates.end(), chosen) == templates.end())
    return fail("There is no template '" + chosen + "'; there are basic, advanced, sfu and enterprise.");
  std::error_code error;
  const bool named = !flags.rest().empty();
  const fs::path folder = fs::absolute(named ? fs::path(flags.rest().front()) : fs::path("."), error).lexically_normal();
  if (named && fs::exists(folder, error)) return fail(folder.string() + " exists already; name a new folder.");
  if (named && !fs::create_directories(folder, error))
    return fail(folder.string() + " cannot be made: " + error.message() + ".");
  const fs::path last = folder.filename().empty() ? folder.parent_path().filename() : folder.filename();
  const std::string name = last.empty() ? "sluice" : last.string();

  const std::string prefix = "/" + chosen + "/";
  std::vector<std::string> written;
  for (const TemplateFile& file : template_files()) {
    if (!file.path.starts_with(prefix)) continue;
    const std::string file_name = written_name(file.path.substr(prefix.size()));
    const fs::path path = folder / file_name;
    if (fs::exists(path, error)) return fail(path.string() + " exists already; nothing was overwritten.");
    std::ofstream out(path, std::ios::binary);
    // Secrets are the owner's alone.
    if (file_name == ".env") fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write, error);
    out << filled(file.content, name);
    if (!out.flush()) return fail(path.string() + " cannot be written.");
    written.push_back(file_name);
  }
  std::printf("✓ %s from the template %s in %s\n\n", name.c_str(), chosen.c_str(), folder.c_str());
  for (const std::string& file : written) std::printf("  %s\n", file.c_str());
  std::puts("\nNext:");
  if (named) std::printf("  cd %s\n", flags.rest().front().c_str());
  std::puts("  set -a; . ./.env; set +a");
  std::puts("  sluice serve --config sluice.yaml");
  return 0;
}

}  // namespace sluice::cli
