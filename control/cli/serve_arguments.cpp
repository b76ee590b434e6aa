#include "control/cli/serve_arguments.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "control/cli/lan_certificate.hpp"
#include "control/config/option.hpp"
#include "control/host/host_addresses.hpp"

namespace sluice::cli {

using config::ConfigError;

namespace {

/// Reads `--name=value` and `--name value`, in order.
class Flags {
 public:
  explicit Flags(std::span<const std::string> arguments) : arguments_(arguments) {
    if (!arguments_.empty() && arguments_.front() == "--") arguments_ = arguments_.subspan(1);
  }

  /// The next flag's name without dashes; nothing at the end.
  std::optional<std::string> next() {
    if (arguments_.empty()) return std::nullopt;
    const std::string argument = arguments_.front();
    arguments_ = arguments_.subspan(1);
    if (!argument.starts_with("--") || argument.size() == 2) {
      throw ConfigError("'" + argument +
                        "' is not understood; options look like --signaling.port=3000. See 'sluice serve --help'.");
    }
    const std::size_t equals = argument.find('=');
    value_ = equals == std::string::npos ? std::nullopt : std::optional(argument.substr(equals + 1));
    name_ = argument.substr(2, equals == std::string::npos ? std::string::npos : equals - 2);
    return name_;
  }
  /// The value of the flag just read. A flag that is a switch may go without one.
  std::string value(bool is_switch) {
    if (value_) return *value_;
    const bool another_follows = !arguments_.empty() && !arguments_.front().starts_with("--");
    if (another_follows && (!is_switch || arguments_.front() == "true" || arguments_.front() == "false")) {
      const std::string taken = arguments_.front();
      arguments_ = arguments_.subspan(1);
      return taken;
    }
    if (is_switch) return "true";
    throw ConfigError("--" + name_ + " needs a value: --" + name_ + "=VALUE.");
  }

 private:
  std::span<const std::string> arguments_;
  std::string name_;
  std::optional<std::string> value_;
};

}  // namespace

ServeArguments read_serve_arguments(std::span<const std::string> arguments, const config::Environment& environment,
                                    unsigned cpu_count) {
  ServeArguments result;
  std::optional<std::string> file;
  bool lan = false;
  std::vector<std::pair<std::string, std::string>> settings;
  Flags flags(arguments);
  while (const std::optional<std::string> name = flags.next()) {
    if (*name == "help") {
      result.help = true;
      return result;
    }
    if (*name == "config") {
      file = flags.value(false);
    } else if (*name == "lan") {
      lan = flags.value(true) == "true";
    } else if (*name == "control-socket") {
      settings.emplace_back("control.socket", flags.value(false));
    } else {
      const config::Option* option = config::find_option(*name);
      settings.emplace_back(*name, flags.value(option == nullptr || option->type == config::OptionType::boolean));
    }
  }
  config::Explicit merged = config::merge_sources(file, environment, settings);
  result.warnings.insert(result.warnings.end(), merged.warnings.begin(), merged.warnings.end());
  if (lan && config::value_at(merged.tree, "signaling.tls.cert") == nullptr) {
    std::vector<std::string> addresses;
    for (const SocketAddress& address : host_addresses()) addresses.push_back(address.ip_to_string());
    const config::TlsFiles files = lan_certificate(state_folder(), addresses);
    merged.tree["signaling"]["tls"] = {{"cert", files.cert}, {"key", files.key}};
    result.warnings.emplace_back("the certificate is self-signed: browsers ask once whether to trust it");
  }
  result.config = config::resolve(merged.tree, cpu_count);
  result.explicit_tree = std::move(merged.tree);
  return result;
}

std::string serve_help() {
  std::string text =
      "usage: sluice serve [--config FILE] [--lan] [--OPTION=VALUE ...]\n\n"
      "Runs the server until SIGTERM. --lan serves https with a certificate made here, so that other devices of this\n"
      "network may use their cameras. Every option can stand in FILE (YAML), in the environment (signaling.port is\n"
      "SLUICE_SIGNALING_PORT) or on the command line; the command line wins, then the environment, then FILE.\n\n";
  std::size_t width = 0;
  for (const config::Option& option : config::all_options()) width = std::max(width, option.path.size());
  for (const config::Option& option : config::all_options()) {
    text += "  --" + std::string(option.path) + std::string(width + 2 - option.path.size(), ' ') + std::string(option.text);
    if (!option.fallback.empty()) text += " [" + std::string(option.fallback) + "]";
    text += '\n';
  }
  return text;
}

}  // namespace sluice::cli
