#include "tools/load/admin_client.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace sluice::load {

namespace {

constexpr timeval patience{5, 0};
constexpr std::size_t answer_max = 1 << 20;

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { freeaddrinfo(list); }
};

/// A socket of `type` connected to host and port; -1 when none of its addresses answers.
int connect_to(const std::string& host, std::uint16_t port, int type) {
  addrinfo hints{};
  hints.ai_socktype = type;
  addrinfo* list = nullptr;
  if (getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list) != 0) return -1;
  const std::unique_ptr<addrinfo, FreeAddresses> owned(list);
  for (const addrinfo* a = list; a != nullptr; a = a->ai_next) {
    const int fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd < 0) continue;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(fd, a->ai_addr, a->ai_addrlen) == 0) return fd;
    close(fd);
  }
  return -1;
}

}  // namespace

AdminClient::Response AdminClient::request(const std::string& method, const std::string& path,
                                           const std::string& body) const {
  if (server_.tls) throw std::runtime_error("the admin API is plain HTTP here: give --admin as http://host:port");
  const int fd = connect_to(server_.host, server_.port, SOCK_STREAM);
  if (fd < 0)
    throw std::runtime_error("the admin API at " + server_.host + ":" + std::to_string(server_.port) +
                             " cannot be reached; is the server running, and is --admin right?");
  std::string text = method + " " + path + " HTTP/1.1\r\nHost: " + server_.host + "\r\nConnection: close\r\n";
  if (!secret_.empty()) text += "Authorization: Bearer " + secret_ + "\r\n";
  text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  bool sent = true;
  for (std::size_t at = 0; at < text.size() && sent;) {
    const ssize_t count = send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
    sent = count > 0;
    if (sent) at += static_cast<std::size_t>(count);
  }
  std::string answer;
  std::array<char, 4096> buffer{};
  while (sent && answer.size() < answer_max) {
    const ssize_t count = recv(fd, buffer.data(), buffer.size(), 0);
    if (count <= 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(count));
  }
  close(fd);
  Response response;
  constexpr std::size_t status_at = 9;  // behind "HTTP/1.1 "
  if (answer.starts_with("HTTP/1.") && answer.size() > status_at + 3)
    std::from_chars(answer.data() + status_at, answer.data() + status_at + 3, response.status);
  if (const std::size_t end = answer.find("\r\n\r\n"); end != std::string::npos) response.body = answer.substr(end + 4);
  return response;
}

void AdminClient::make_room(const std::string& id, std::uint32_t peers_max) const {
  const nlohmann::json body = {{"roomId", id}, {"maxPeers", peers_max}};
  const Response response = request("POST", "/admin/rooms", body.dump());
  if (response.status == 201) return;
  if (response.status == 401) throw std::runtime_error("the admin API wants a secret; give it by --admin-secret");
  throw std::runtime_error("the admin API did not make a room (status " + std::to_string(response.status) +
                           "): " + response.body);
}

void AdminClient::delete_room(const std::string& id) const noexcept {
  try {
    (void)request("DELETE", "/admin/rooms/" + id, "");
  } catch (const std::exception&) {
    // The server may be gone by now.
  }
}

std::string local_address_towards(const std::string& host, std::uint16_t port) {
  const int fd = connect_to(host, port, SOCK_DGRAM);
  if (fd < 0) throw std::runtime_error("'" + host + "' has no address that can be reached from here");
  sockaddr_storage local{};
  socklen_t size = sizeof local;
  const bool known = getsockname(fd, reinterpret_cast<sockaddr*>(&local), &size) == 0;
  close(fd);
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (known && local.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &local, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (known) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &local, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
  }
  return text.data();
}

}  // namespace sluice::load
