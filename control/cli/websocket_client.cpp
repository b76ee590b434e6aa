#include "control/cli/websocket_client.hpp"

#include <algorithm>
#include <utility>

namespace sluice::cli {

WebSocketClient::WebSocketClient(const HostUrl& url, std::uint32_t mask) : mask_(mask) {
  // The key only shows that the server knows the protocol.
  output_ = "GET " + (url.path.empty() ? "/" : url.path) + " HTTP/1.1\r\nHost: " + url.host + ":" + url.port +
            "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: c2x1aWNlYmVuY2htYXJrIQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n";
}

void WebSocketClient::receive(Bytes bytes) {
  if (over_) return;
  input_.append(as_text(bytes));
  if (!open_) {
    const std::size_t end = input_.find("\r\n\r\n");
    if (end == std::string::npos) {
      over_ = input_.size() > 16384;
      return;
    }
    if (!input_.starts_with("HTTP/1.1 101")) {
      over_ = true;
      return;
    }
    open_ = true;
    input_.erase(0, end + 4);
  }
  while (!over_ && take_frame()) {
  }
}

std::optional<std::string> WebSocketClient::next_message() {
  if (messages_.empty()) return std::nullopt;
  std::string first = std::move(messages_.front());
  messages_.pop_front();
  return first;
}

bool WebSocketClient::take_frame() {
  const auto byte = [this](std::size_t at) { return static_cast<std::uint8_t>(input_[at]); };
  if (input_.size() < 2) return false;
  std::uint64_t size = byte(1) & 0x7FU;
  std::size_t head = 2;
  const std::size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
  if (input_.size() < head + extra) return false;
  if (extra > 0) {
    size = 0;
    for (std::size_t i = 0; i < extra; ++i) size = size << 8U | byte(head + i);
  }
  head += extra;
  if ((byte(1) & 0x80U) != 0 || size > message_bytes_max || message_.size() + size > message_bytes_max) {
    over_ = true;
    return false;
  }
  if (input_.size() < head + size) return false;
  const bool is_last = (byte(0) & 0x80U) != 0;
  const std::uint8_t opcode = byte(0) & 0x0FU;
  const std::string payload = input_.substr(head, static_cast<std::size_t>(size));
  input_.erase(0, head + static_cast<std::size_t>(size));
  if (opcode == 0x9) {
    frame(0xA, payload);
  } else if (opcode == 0x8) {
    over_ = true;
  } else if (opcode <= 0x2) {
    message_ += payload;
    if (is_last) messages_.push_back(std::exchange(message_, {}));
  }
  return true;
}

void WebSocketClient::frame(std::uint8_t opcode, std::string_view payload) {
  output_ += static_cast<char>(0x80U | opcode);
  const std::size_t size = payload.size();
  const auto put = [this](std::size_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) output_ += static_cast<char>(value >> (8U * static_cast<unsigned>(i)) & 0xFFU);
  };
  if (size < 126) {
    output_ += static_cast<char>(0x80U | size);
  } else if (size <= 0xFFFF) {
    output_ += static_cast<char>(0x80U | 126U);
    put(size, 2);
  } else {
    output_ += static_cast<char>(0x80U | 127U);
    put(size, 8);
  }
  put(mask_, 4);
  for (std::size_t i = 0; i < size; ++i)
    output_ += static_cast<char>(static_cast<std::uint8_t>(payload[i]) ^ (mask_ >> (8U * (3U - i % 4U)) & 0xFFU));
}

}  // namespace sluice::cli
