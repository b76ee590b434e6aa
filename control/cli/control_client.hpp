#pragma once

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "shm/descriptors/descriptor.hpp"
#include "shm/types/result.hpp"

namespace sluice::cli {

/// A running server, asked over its control socket; waits for each answer.
class ControlClient {
 public:
  /// `path` empty: where a server of this user, or of root, has it by default. The error is a sentence.
  [[nodiscard]] static Result<ControlClient, std::string> connect(const std::string& path);

  struct Error {
    int code = 0;  // of JSON-RPC; 0: the connection failed
    std::string message;
  };
  [[nodiscard]] Result<nlohmann::json, Error> call(const std::string& method, const nlohmann::json& params,
                                                   std::chrono::milliseconds patience = std::chrono::seconds(30));
  /// The next message that is no answer to call(); nothing when none came within `patience` or the connection has ended.
  [[nodiscard]] std::optional<nlohmann::json> next(std::chrono::milliseconds patience);
  [[nodiscard]] bool ended() const noexcept { return ended_; }

 private:
  explicit ControlClient(Descriptor socket) : socket_(std::move(socket)) {}
  [[nodiscard]] std::optional<nlohmann::json> read_line(std::chrono::steady_clock::time_point deadline);

  Descriptor socket_;
  std::string buffer_;
  std::vector<nlohmann::json> waiting_;  // notifications that came before an answer
  std::uint64_t last_id_ = 0;
  bool ended_ = false;
};

}  // namespace sluice::cli
