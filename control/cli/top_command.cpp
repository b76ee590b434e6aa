#include "control/cli/top_command.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <optional>

#include "control/cli/admin_client.hpp"
#include "control/cli/terminal.hpp"
#include "control/cli/top_screen.hpp"

namespace sluice::cli {

namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* usage =
    "usage: sluice top [--admin URL] [--secret-file FILE] [--interval SECONDS] [--sort peers|latency|name] [--once]\n\n"
    "  --admin URL         of the server's admin API; default http://127.0.0.1:4000/admin\n"
    "  --secret-file FILE  holds adminApi.adminSecret; default: what SLUICE_ADMIN_SECRET says, if anything\n"
    "  --interval SECONDS  between two readings, 0.2 to 60; default 2\n"
    "  --sort ORDER        of the rooms; default peers\n"
    "  --once              print one picture and end (also when the output is no terminal)\n\n"
    "Keys: q quits, p pauses, s changes the order, arrows scroll through the rooms, r reads now.\n";

struct Options {
  std::string admin = "http://127.0.0.1:4000/admin";
  std::string secret;
  std::chrono::milliseconds interval = 2s;
  TopScreen::Sort sort = TopScreen::Sort::peers;
  bool once = false;
};

int wrong(const std::string& sentence) {
  std::fprintf(stderr, "sluice top: %s\n%s", sentence.c_str(), usage);
  return 2;
}

/// Nothing: all is well.
std::optional<std::string> take(Options& options, const std::string& name, const std::string& value) {
  if (name == "--admin") {
    options.admin = value;
  } else if (name == "--secret-file") {
    std::ifstream file(value);
    if (!std::getline(file, options.secret)) return "the file " + value + " cannot be read or is empty.";
  } else if (name == "--interval") {
    char* end = nullptr;
    const double seconds = std::strtod(value.c_str(), &end);
    if (end != value.c_str() + value.size() || !(seconds >= 0.2) || !(seconds <= 60))
      return "--interval is in seconds, from 0.2 to 60, not '" + value + "'.";
    options.interval = std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000));
  } else if (value == "peers" || value == "latency" || value == "name") {
    options.sort = value == "peers"     ? TopScreen::Sort::peers
                   : value == "latency" ? TopScreen::Sort::latency
                                        : TopScreen::Sort::name;
  } else {
    return "--sort is peers, latency or name, not '" + value + "'.";
  }
  return std::nullopt;
}

/// Nothing: it was wrong, and has been said, or --help.
std::optional<Options> parse(std::span<const std::string> arguments, int& status) {
  Options options;
  if (const char* secret = std::getenv("SLUICE_ADMIN_SECRET")) options.secret = secret;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::size_t equals = arguments[i].find('=');
    const std::string name = arguments[i].substr(0, equals);
    if (name == "--help") {
      std::fputs(usage, stdout);
      status = 0;
      return std::nullopt;
    }
    if (name == "--once") {
      options.once = true;
      continue;
    }
    if (name != "--admin" && name != "--secret-file" && name != "--interval" && name != "--sort") {
      status = wrong("there is no option '" + arguments[i] + "'.");
      return std::nullopt;
    }
    if (equals == std::string::npos && i + 1 == arguments.size()) {
      status = wrong(name + " needs a value.");
      return std::nullopt;
    }
    const std::string value = equals == std::string::npos ? arguments[++i] : arguments[i].substr(equals + 1);
    if (const auto mistake = take(options, name, value)) {
      status = wrong(*mistake);
      return std::nullopt;
    }
  }
  return options;
}

std::string clock_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::localtime_r(&now, &parts);
  std::array<char, 16> text{};
  std::strftime(text.data(), text.size(), "%H:%M:%S", &parts);
  return text.data();
}

/// Reads /metrics again and again, and keeps the last two readings.
class Readings {
 public:
  explicit Readings(AdminClient client) : client_(std::move(client)) {}

  /// Nothing, or why there is no new reading.
  std::optional<std::string> read() {
    const auto answer = client_.call("GET", "/metrics");
    if (!answer) return answer.error();
    if (answer->status == 401) return "the secret is wrong or missing";
    if (answer->status != 200) return "the server answered " + std::to_string(answer->status);
    TopScreen::Reading reading{MetricsText(answer->body), Clock::now()};
    if (reading.metrics.empty()) return "this is no server's /metrics";
    before_ = std::move(now_);
    now_ = std::move(reading);
    return std::nullopt;
  }
  [[nodiscard]] const TopScreen::Reading& now() const {
    static const TopScreen::Reading none;
    return now_ ? *now_ : none;
  }
  [[nodiscard]] const std::optional<TopScreen::Reading>& before() const { return before_; }

 private:
  AdminClient client_;
  std::optional<TopScreen::Reading> before_;
  std::optional<TopScreen::Reading> now_;
};

int print_once(Readings& readings, TopScreen::View& view) {
  // Rates need two readings.
  for (int i = 0; i < 2; ++i) {
    if (const auto problem = readings.read()) {
      std::fprintf(stderr, "sluice top: %s\n", problem->c_str());
      return 1;
    }
    if (i == 0) ::usleep(500000);
  }
  view.clock = clock_text();
  for (const std::string& line : TopScreen::draw(readings.now(), readings.before(), view, {80, 24}, TopScreen::Colour::off))
    std::printf("%s\n", line.c_str());
  return 0;
}

int run_live(Readings& readings, TopScreen::View& view, std::chrono::milliseconds interval) {
  Terminal terminal;
  Clock::time_point due = Clock::now();
  while (true) {
    if (Clock::now() >= due) {
      if (!view.paused) view.problem = readings.read();
      due = Clock::now() + interval;
    }
    view.clock = clock_text();
    terminal.show(TopScreen::draw(readings.now(), readings.before(), view, Terminal::size(), TopScreen::Colour::on));
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - Clock::now());
    switch (terminal.wait(std::min(left, std::chrono::milliseconds(1000)))) {
      case Key::quit:
        return 0;
      case Key::pause:
        view.paused = !view.paused;
        break;
      case Key::sort:
        view.sort = view.sort == TopScreen::Sort::peers     ? TopScreen::Sort::latency
                    : view.sort == TopScreen::Sort::latency ? TopScreen::Sort::name
                                                            : TopScreen::Sort::peers;
        view.first_room = 0;
        break;
      case Key::up:
        if (view.first_room > 0) --view.first_room;
        break;
      case Key::down:
        view.first_room = std::min(view.first_room + 1, TopScreen::rooms(readings.now()));
        break;
      case Key::page_up:
        view.first_room -= std::min<std::size_t>(view.first_room, 10);
        break;
      case Key::page_down:
        view.first_room = std::min(view.first_room + 10, TopScreen::rooms(readings.now()));
        break;
      case Key::refresh:
        view.paused = false;
        due = Clock::now();
        break;
      case Key::resized:
      case Key::none:
        break;
    }
  }
}

}  // namespace

int top(std::span<const std::string> arguments) {
  int status = 0;
  const std::optional<Options> options = parse(arguments, status);
  if (!options) return status;
  const auto client = AdminClient::at(options->admin, options->secret);
  if (!client) return wrong("'" + options->admin + "' is no URL such as http://127.0.0.1:4000/admin.");
  Readings readings(*client);
  TopScreen::View view;
  view.server = options->admin.substr(options->admin.find("//") + 2);
  view.server.resize(std::min(view.server.find('/'), view.server.size()));
  view.sort = options->sort;
  if (options->once || ::isatty(STDOUT_FILENO) == 0 || ::isatty(STDIN_FILENO) == 0) return print_once(readings, view);
  return run_live(readings, view, options->interval);
}

}  // namespace sluice::cli
