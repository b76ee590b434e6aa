#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "shm/types/result.hpp"

namespace sluice::cli {

/// The admin API of a running server, by plain HTTP: one request for each connection.
class AdminClient {
 public:
  /// `url`: "http://127.0.0.1:4000/admin"; nothing when it is not such a URL.
  [[nodiscard]] static std::optional<AdminClient> at(std::string_view url, std::string secret,
                                                     std::chrono::seconds patience = std::chrono::seconds(10));

  struct Answer {
    int status = 0;
    std::string body;
  };
  /// The error is a sentence for the operator.
  [[nodiscard]] Result<Answer, std::string> call(const std::string& method, const std::string& path,
                                                 const std::string& body = "") const;

 private:
  std::string host_;
  std::string port_;
  std::string prefix_;
  std::string secret_;
  std::chrono::seconds patience_{10};
};

}  // namespace sluice::cli
