#pragma once

#include <cstdint>
#include <string>

#include "tools/load/signaling.hpp"

namespace sluice::load {

/// The admin HTTP API, one request per connection.
class AdminClient {
 public:
  AdminClient(ServerUrl server, std::string secret) : server_(std::move(server)), secret_(std::move(secret)) {}

  /// POST /admin/rooms. Throws std::runtime_error with one sentence when the server cannot be reached or refuses.
  void make_room(const std::string& id, std::uint32_t peers_max) const;
  /// DELETE /admin/rooms/:id; whatever the answer.
  void delete_room(const std::string& id) const noexcept;

 private:
  struct Response {
    int status = 0;
    std::string body;
  };
  [[nodiscard]] Response request(const std::string& method, const std::string& path, const std::string& body) const;
  ServerUrl server_;
  std::string secret_;
};

/// A local address from which packets to `host` would leave. Throws std::runtime_error when the name has no address.
[[nodiscard]] std::string local_address_towards(const std::string& host, std::uint16_t port);

}  // namespace sluice::load
