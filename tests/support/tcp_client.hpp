#pragma once

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::test {

/// A blocking TCP client on loopback, as plain as can be: tests write bytes and look at what comes back.
class TcpClient {
 public:
  /// `to` in host byte order.
  explicit TcpClient(std::uint16_t port, std::uint32_t to = INADDR_LOOPBACK) : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(to);
    connected_ = connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~TcpClient() { ::close(fd_); }
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }
  void write(std::string_view bytes) const { (void)!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  /// Reads until `size` bytes are there, the peer closed, or ten seconds passed.
  std::string read(std::size_t size) {
    fill([&] { return buffer_.size() >= size; });
    return cut(size);
  }
  /// Reads up to and including `mark`.
  std::string read_until(std::string_view mark) {
    fill([&] { return buffer_.find(mark) != std::string::npos; });
    const std::size_t at = buffer_.find(mark);
    return cut(at == std::string::npos ? buffer_.size() : at + mark.size());
  }
  /// Everything until the peer closes.
  std::string read_all() {
    fill([] { return false; });
    return cut(buffer_.size());
  }
  [[nodiscard]] bool closed() const { return closed_; }

 private:
  template <typename Done>
  void fill(Done done) {
    while (!done() && !closed_) {
      pollfd poller{fd_, POLLIN, 0};
      if (poll(&poller, 1, 10000) <= 0) return;
      char chunk[16384];
      const ssize_t got = recv(fd_, chunk, sizeof chunk, 0);
      if (got <= 0) closed_ = true;
      if (got > 0) buffer_.append(chunk, static_cast<std::size_t>(got));
    }
  }
  std::string cut(std::size_t size) {
    std::string result = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return result;
  }
  int fd_;
  bool connected_ = false;
  bool closed_ = false;
  std::string buffer_;
};

/// A WebSocket client that can also misbehave: frames are made by hand.
class WebSocketClient {
 public:
  explicit WebSocketClient(std::uint16_t port, const std::string& headers = "", const std::string& path = "/") : tcp(port) {
    tcp.write("GET " + path +
              " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
              headers + "\r\n");
    response = tcp.read_until("\r\n\r\n");
  }

  struct Frame {
    int opcode = -1;  // -1: the connection ended without a frame
    std::string payload;
    [[nodiscard]] int close_code() const {
      return payload.size() < 2 ? 0 : static_cast<unsigned char>(payload[0]) << 8 | static_cast<unsigned char>(payload[1]);
    }
  };

  void send_frame(int first_byte, std::string_view payload) const {
    std::string frame(1, static_cast<char>(first_byte));
    if (payload.size() < 126) {
      frame += static_cast<char>(0x80 | payload.size());
    } else if (payload.size() < 65536) {
      frame += static_cast<char>(0xFE);
      frame += {static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size())};
    } else {
      frame += static_cast<char>(0xFF);
      for (int shift = 56; shift >= 0; shift -= 8) frame += static_cast<char>(payload.size() >> shift);
    }
    frame += std::string("\x01\x02\x03\x04", 4);
    for (std::size_t i = 0; i < payload.size(); ++i) frame += static_cast<char>(payload[i] ^ static_cast<char>(i % 4 + 1));
    tcp.write(frame);
  }
  void send_text(std::string_view text) const { send_frame(0x81, text); }

  Frame read_frame() {
    const std::string head = tcp.read(2);
    if (head.size() < 2) return {};
    std::size_t size = static_cast<unsigned char>(head[1]) & 0x7FU;
    if (size >= 126) {
      const std::string extended = tcp.read(size == 126 ? 2 : 8);
      size = 0;
      for (const char c : extended) size = size << 8 | static_cast<unsigned char>(c);
    }
    return {head[0] & 0x0F, tcp.read(size)};
  }

  TcpClient tcp;
  std::string response;
};

}  // namespace sluice::test
