#include "control/cli/terminal.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <utility>

namespace sluice::cli {

namespace {

volatile std::sig_atomic_t asked_to_end = 0;
volatile std::sig_atomic_t size_changed = 0;

void end(int) {
  asked_to_end = 1;
}
void resize(int) {
  size_changed = 1;
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  (void)::sigemptyset(&action.sa_mask);
  // No SA_RESTART: poll() must wake.
  (void)::sigaction(signal, &action, nullptr);
}

void write_all(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// What a terminal sends for a key, and what it means here.
constexpr std::array<std::pair<std::string_view, Key>, 22> keys{{
    {"\x1b[A", Key::up},   {"\x1bOA", Key::up},       {"\x1b[B", Key::down},
    {"\x1bOB", Key::down}, {"\x1b[5~", Key::page_up}, {"\x1b[6~", Key::page_down},
    {"q", Key::quit},      {"Q", Key::quit},          {"\x03", Key::quit},
    {"\x04", Key::quit},   {"p", Key::pause},         {"P", Key::pause},
    {" ", Key::pause},     {"s", Key::sort},          {"S", Key::sort},
    {"r", Key::refresh},   {"R", Key::refresh},       {"k", Key::up},
    {"j", Key::down},      {"\n", Key::refresh},      {"\r", Key::refresh},
    {"\x1b", Key::quit},
}};

/// Takes one key from the front of `pending`.
Key take(std::string& pending) {
  for (const auto& [bytes, key] : keys) {
    if (!pending.starts_with(bytes)) continue;
    // An escape alone quits; an escape that begins some other key is skipped with it.
    if (bytes == "\x1b" && pending.size() > 1) break;
    pending.erase(0, bytes.size());
    return key;
  }
  if (pending.starts_with("\x1b")) {
    pending.clear();
  } else {
    pending.erase(0, 1);
  }
  return Key::none;
}

}  // namespace

Terminal::Terminal() {
  (void)::tcgetattr(STDIN_FILENO, &before_);
  termios raw = before_;
  raw.c_lflag &= static_cast<tcflag_t>(~(ICANON | ECHO | ISIG));
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  (void)::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) handle(signal, end);
  handle(SIGWINCH, resize);
  write_all("\x1b[?1049h\x1b[?25l");  // another screen, no cursor
}

Terminal::~Terminal() {
  write_all("\x1b[?25h\x1b[?1049l");
  (void)::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
}

TopScreen::Size Terminal::size() {
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0 || window.ws_col == 0 || window.ws_row == 0) return {};
  return {window.ws_col, window.ws_row};
}

void Terminal::show(const std::vector<std::string>& lines) {
  std::string frame = "\x1b[H";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    frame += lines[i];
    frame += "\x1b[K";  // the rest of the line
    if (i + 1 < lines.size()) frame += "\r\n";
  }
  frame += "\x1b[J";  // the rest of the screen
  write_all(frame);
}

Key Terminal::wait(std::chrono::milliseconds limit) {
  if (pending_.empty()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    const int ready = ::poll(&input, 1, static_cast<int>(std::max<std::int64_t>(0, limit.count())));
    if (asked_to_end != 0) return Key::quit;
    if (size_changed != 0) {
      size_changed = 0;
      return Key::resized;
    }
    if (ready <= 0) return Key::none;
    std::array<char, 64> bytes{};
    const ssize_t size = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN)) return Key::quit;
    if (size > 0) pending_.append(bytes.data(), static_cast<std::size_t>(size));
  }
  return pending_.empty() ? Key::none : take(pending_);
}

}  // namespace sluice::cli
