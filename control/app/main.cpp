// sluice-control: the control plane as a process. Started by the supervisor, which hands it its descriptors.
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>

#include "control/app/control_server.hpp"
#include "control/config/server_config.hpp"
#include "control/config/sources.hpp"
#include "control/loop/web_server.hpp"
#include "control/observability/log.hpp"
#include "shm/confinement/confinement.hpp"
#include "shm/confinement/rights.hpp"

namespace {

/// EX_CONFIG: the supervisor does not start us again, since the same configuration would fail again.
constexpr int exit_refused = 78;
/// The supervisor ends the server, as if it had been asked to.
constexpr int exit_drained = 79;

struct Arguments {
  int descriptors = -1;
  sluice::app::ControlArguments control;
};

std::optional<int> number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// 64 hexadecimal digits, colons between bytes allowed.
bool read_fingerprint(std::string_view text, sluice::workers::CertificateFingerprint& out) {
  std::string digits;
  for (const char c : text) {
    if (c != ':') digits += c;
  }
  if (digits.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char* begin = digits.data() + 2 * i;
    if (std::from_chars(begin, begin + 2, out[i], 16).ptr != begin + 2) return false;
  }
  return true;
}

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  bool has_fingerprint = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::size_t equals = std::min(argument.find('='), argument.size());
    const std::string_view name = argument.substr(0, equals);
    const std::string_view value = argument.substr(std::min(equals + 1, argument.size()));
    if (name == "--descriptors") {
      arguments.descriptors = number(value).value_or(-1);
    } else if (name == "--workers") {
      arguments.control.workers = static_cast<std::uint16_t>(number(value).value_or(0));
    } else if (name == "--fingerprint") {
      has_fingerprint = read_fingerprint(value, arguments.control.fingerprint);
    }
  }
  if (arguments.descriptors < 0 || arguments.control.workers == 0 || !has_fingerprint) return std::nullopt;
  return arguments;
}

/// The PEM files as the supervisor copied them: read there, again at each reload, under whatever user this is.
class CopiedTlsFiles {
 public:
  CopiedTlsFiles(sluice::DescriptorSet& descriptors, sluice::config::ServerConfig& config)
      : certificate_(descriptors.take("tls.cert")), key_(descriptors.take("tls.key")) {
    if (!config.signaling.tls) return;
    // One that is missing could not be read; opening the file itself will tell the operator so.
    if (certificate_.valid()) config.signaling.tls->cert = path_of(certificate_);
    if (key_.valid()) config.signaling.tls->key = path_of(key_);
  }

 private:
  static std::string path_of(const sluice::Descriptor& file) { return "/proc/self/fd/" + std::to_string(file.get()); }
  sluice::Descriptor certificate_;
  sluice::Descriptor key_;
};

std::string read_all(int fd) {
  if (fd < 0) return {};
  struct stat info{};
  if (fstat(fd, &info) != 0) return {};
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  const ssize_t got = pread(fd, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return text;
}

/// As it was at the last SIGHUP, else as it was at the start.
nlohmann::json configuration(const sluice::DescriptorSet& descriptors) {
  nlohmann::json tree = nlohmann::json::parse(read_all(descriptors.find("config.reload")), nullptr, false);
  if (tree.is_object()) return tree;
  const std::string text = read_all(descriptors.find("config"));
  return nlohmann::json::parse(text.empty() ? "{}" : text);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace sluice;
  const std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) {
    std::fputs("sluice-control is started by 'sluice serve'; run that instead.\n", stderr);
    return exit_refused;
  }
  (void)std::signal(SIGPIPE, SIG_IGN);
  try {
    const ConfinementOrder order = ConfinementOrder::from(std::span<char* const>(argv, static_cast<std::size_t>(argc)));
    give_up_rights(ProcessRole::control, order);
    auto descriptors = receive_descriptors(arguments->descriptors);
    if (!descriptors) {
      std::fprintf(stderr, "sluice-control got no descriptors from the supervisor (%s).\n",
                   std::string(to_string(descriptors.error())).c_str());
      return 1;
    }
    const nlohmann::json tree = configuration(*descriptors);
    config::ServerConfig config = config::resolve(tree, std::thread::hardware_concurrency());
    log::open("control", config.log.format == config::LogFormat::json ? LogFormat::json : LogFormat::line,
              static_cast<log::Level>(config.log.level));
    const CopiedTlsFiles tls(*descriptors, config);
    app::ControlServer server(config, arguments->control, std::move(*descriptors));
    const Confined confined = finish_confinement(ProcessRole::control, order);
    log::info("confined",
              {{"user", confined.user}, {"capabilities", confined.capabilities}, {"system_calls", confined.system_calls}});
    return server.run() ? exit_drained : 0;
  } catch (const config::ConfigError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_refused;
  } catch (const loop::ListenError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return exit_refused;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "sluice-control cannot go on: %s\n", error.what());
    return 1;
  }
}
