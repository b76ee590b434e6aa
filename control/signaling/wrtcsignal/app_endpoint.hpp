#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "control/signaling/wrtcsignal/wrtc_tokens.hpp"

namespace sluice {

/// `POST /app` (contract wrtc-signal.md section 2): the password for an app token.
class WrtcAppEndpoint {
 public:
  struct Answer {
    int status = 200;
    std::string json;
  };
  static constexpr std::size_t body_bytes_max = 100 * 1024;

  /// `password` is not empty. `tokens` is borrowed for life.
  WrtcAppEndpoint(const WrtcTokens& tokens, std::string password) : tokens_(tokens), password_(std::move(password)) {}

  [[nodiscard]] Answer post(std::string_view content_type, std::string_view body) const;
  [[nodiscard]] static Answer failure(int status, std::string_view error);

 private:
  const WrtcTokens& tokens_;
  std::string password_;
};

}  // namespace sluice
