#include "control/cli/admin_client.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "control/cli/host_url.hpp"
#include "control/cli/send_all.hpp"
#include "shm/descriptors/descriptor.hpp"

namespace sluice::cli {
namespace {

/// More than any answer of the admin API that we ask for.
constexpr std::size_t answer_max = std::size_t{4} << 20U;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

Result<Descriptor, std::string> connect_to(const std::string& host, const std::string& port, std::chrono::seconds limit) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int status = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); status != 0)
    return unexpected("There is no host " + host + ": " + ::gai_strerror(status) + ".");
  const std::unique_ptr<addrinfo, FreeAddresses> list(found);
  int error = 0;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    Descriptor socket(::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol));
    const timeval patience{limit.count(), 0};
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));  // also bounds connect()
    if (socket.valid() && ::connect(socket.get(), at->ai_addr, at->ai_addrlen) == 0) return socket;
    error = errno;
  }
  return unexpected("No server answers at " + host + ":" + port + " (" + std::strerror(error) +
                    "). Is it running, and is its admin API there (--admin URL)?");
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> part{};
  while (text.size() < answer_max) {
    const ssize_t size = ::recv(fd, part.data(), part.size(), 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(size));
  }
  return text;
}

}  // namespace

std::optional<AdminClient> AdminClient::at(std::string_view url, std::string secret, std::chrono::seconds patience) {
  std::optional<HostUrl> parts = parse_host_url("http://", url);
  if (!parts) return std::nullopt;
  AdminClient client;
  client.host_ = std::move(parts->host);
  client.port_ = std::move(parts->port);
  client.prefix_ = std::move(parts->path);
  while (client.prefix_.ends_with('/')) client.prefix_.pop_back();
  client.secret_ = std::move(secret);
  client.patience_ = patience;
  return client;
}

Result<AdminClient::Answer, std::string> AdminClient::call(const std::string& method, const std::string& path,
                                                           const std::string& body) const {
  auto socket = connect_to(host_, port_, patience_);
  if (!socket) return unexpected(socket.error());
  const std::string shown = host_.find(':') == std::string::npos ? host_ : "[" + host_ + "]";
  std::string request =
      method + " " + prefix_ + path + " HTTP/1.1\r\nHost: " + shown + ":" + port_ +
      "\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  if (!secret_.empty()) request += "Authorization: Bearer " + secret_ + "\r\n";
  request += "\r\n" + body;
  if (!send_all(socket->get(), request))
    return unexpected("The server at " + shown + ":" + port_ + " closed the connection.");
  const std::string text = read_all(socket->get());
  Answer answer;
  const std::size_t space = text.find(' ');
  const std::size_t end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.") || space == std::string::npos || end == std::string::npos)
    return unexpected("What answers at " + shown + ":" + port_ + " is no admin API of sluice.");
  (void)std::from_chars(text.data() + space + 1, text.data() + text.size(), answer.status);
  answer.body = text.substr(end + 4);
  return answer;
}

}  // namespace sluice::cli
