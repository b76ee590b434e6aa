#include "control/loop/request_target.hpp"

#include <dlfcn.h>
#include <openssl/ssl.h>
#include <sys/types.h>  // not sys/socket.h: fortified, it defines a recv() of its own

#include <algorithm>
#include <array>
#include <cstdint>
#include <unordered_map>

namespace sluice::loop {
namespace {

constexpr std::array<std::string_view, 7> methods = {"GET ", "HEAD ", "POST ", "PUT ", "PATCH ", "DELETE ", "OPTIONS "};
/// libwebsockets takes no longer ones.
constexpr std::size_t line_bytes_max = 8192;

bool begins_like_a_request(std::string_view text) noexcept {
  return std::any_of(methods.begin(), methods.end(), [&](std::string_view method) {
    const std::size_t common = std::min(method.size(), text.size());
    return common != 0 && method.substr(0, common) == text.substr(0, common);
  });
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// Without escapes, slashes and dots: what remains of a path however it was decoded and tidied.
std::string essence(std::string_view path, bool escaped) {
  std::string rest;
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    if (escaped && c == '%' && i + 2 < path.size() && hex_digit(path[i + 1]) >= 0 && hex_digit(path[i + 2]) >= 0) {
      c = static_cast<char>(hex_digit(path[i + 1]) * 16 + hex_digit(path[i + 2]));
      i += 2;
    }
    if (c != '/' && c != '.') rest += c;
  }
  return rest;
}

std::string encoded(std::string_view text, std::string_view kept) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-._~").find(c) != std::string_view::npos || kept.find(c) != std::string_view::npos;
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += digits[byte >> 4U];
      out += digits[byte & 15U];
    }
  }
  return out;
}

/// One thread serves all connections; other threads that receive (a client's library) keep their own, empty table.
thread_local std::unordered_map<int, RequestLine> lines;

void note(int fd, const void* data, std::int64_t size) {
  if (size <= 0 || fd < 0) return;
  const std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(size));
  const auto known = lines.find(fd);
  if (known != lines.end()) return known->second.read(bytes);
  // Frames of a WebSocket do not begin with a capital letter: nothing is looked up or kept for them.
  if (begins_like_a_request(bytes)) lines[fd].read(bytes);
}

template <typename Function>
Function* next_of(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

void RequestLine::read(std::string_view bytes) {
  if (complete_ || line_.empty()) {
    // While a line waits to be taken, the first bytes of a header field must not look like the next request's.
    constexpr std::size_t longest_method = 8;
    if (!begins_like_a_request(bytes) || (complete_ && bytes.size() < longest_method)) return;
    line_.clear();
    complete_ = false;
  }
  const std::size_t end = bytes.find('\n');
  line_.append(bytes.substr(0, std::min(end, line_bytes_max)));
  complete_ = end != std::string_view::npos;
  if (line_.size() > line_bytes_max || !begins_like_a_request(line_)) {
    line_.clear();
    complete_ = false;
  }
}

std::string RequestLine::take() {
  if (!complete_) return {};
  const std::string_view line = line_;
  const std::size_t begin = line.find(' ');
  const std::size_t end = line.find_first_of(" \r", begin + 1);
  std::string target(line.substr(begin + 1, end == std::string_view::npos ? end : end - begin - 1));
  line_.clear();
  complete_ = false;
  return target;
}

std::string take_request_target(int fd) {
  const auto found = lines.find(fd);
  if (found == lines.end()) return {};
  std::string target = found->second.take();
  lines.erase(found);
  return target;
}

void forget_request_target(int fd) noexcept {
  lines.erase(fd);
}

TargetParts target_parts(std::string_view target, std::string_view path, std::string_view arguments) {
  // The absolute form (RFC 9112 section 3.2.2) has scheme and authority in front.
  if (const std::size_t scheme = target.find("://"); scheme != std::string_view::npos && !target.starts_with('/')) {
    const std::size_t slash = target.find_first_of("/?", scheme + 3);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  target = target.substr(0, target.find('#'));
  const std::size_t question = target.find('?');
  const std::string_view raw_path = target.substr(0, question);
  if (raw_path.starts_with('/') && essence(raw_path, true) == essence(path, false))
    return {std::string(raw_path), std::string(question == std::string_view::npos ? "" : target.substr(question + 1))};
  return {encoded(path, "/"), encoded(arguments, "&=")};
}

}  // namespace sluice::loop

// libwebsockets calls these two through the dynamic linker, and what the program defines comes first there. Each passes the
// call on to the library's own function and looks at what came.
extern "C" ssize_t recv(int fd, void* buffer, size_t size, int flags) {
  static auto* const original = sluice::loop::next_of<ssize_t(int, void*, size_t, int)>("recv");
  const ssize_t received = original(fd, buffer, size, flags);
  constexpr int msg_peek = 2;
  if ((flags & msg_peek) == 0) sluice::loop::note(fd, buffer, received);
  return received;
}

extern "C" int SSL_read(SSL* ssl, void* buffer, int size) {
  static auto* const original = sluice::loop::next_of<int(SSL*, void*, int)>("SSL_read");
  const int received = original(ssl, buffer, size);
  sluice::loop::note(SSL_get_fd(ssl), buffer, received);
  return received;
}
