#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "control/cli/host_url.hpp"
#include "shm/types/bytes.hpp"

namespace sluice::cli {

/// The client's side of one WebSocket (RFC 6455), without its connection: text messages, pings answered, close frames.
/// Frames of a server are never masked; ours are, by `mask`, which need not be secret here: we are no browser.
class WebSocketClient {
 public:
  static constexpr std::size_t message_bytes_max = std::size_t{4} << 20U;

  WebSocketClient(const HostUrl& url, std::uint32_t mask);

  void receive(Bytes bytes);
  /// Whole text messages, in order.
  [[nodiscard]] std::optional<std::string> next_message();
  void send(std::string_view text) { frame(0x1, text); }
  void close() { frame(0x8, std::string_view("\x03\xE8", 2)); }

  /// What is to be written to the connection; taken away by the caller.
  [[nodiscard]] std::string& output() noexcept { return output_; }
  [[nodiscard]] bool is_open() const noexcept { return open_; }
  /// The server refused, closed, or speaks no WebSocket.
  [[nodiscard]] bool is_over() const noexcept { return over_; }

 private:
  void frame(std::uint8_t opcode, std::string_view payload);
  /// Takes one frame off the input; false: there is none that is whole.
  bool take_frame();

  std::uint32_t mask_;
  std::string input_;
  std::string output_;
  std::string message_;  // fragments
  std::deque<std::string> messages_;
  bool open_ = false;
  bool over_ = false;
};

}  // namespace sluice::cli
