#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "control/api/line_reader.hpp"
#include "control/api/rpc_session.hpp"
#include "control/loop/local_server.hpp"

namespace sluice {

/// The control socket: newline-delimited JSON-RPC 2.0 for programs on this machine. The socket's rights decide who may
/// connect; with `allowed_uids` also the kernel's word on who did.
class ControlSocket final : private loop::LocalHandler {
 public:
  struct Options {
    std::vector<std::uint32_t> allowed_uids;  // empty: all who can open it
    std::size_t line_bytes_max = std::size_t{1} << 20U;
    RpcLimits limits;
  };
  /// `listener` (owned from here on) listens already: the supervisor holds it, so the path outlives this process. Throws
  /// std::runtime_error.
  ControlSocket(loop::EventLoop& loop, int listener, RpcServices services, Options options);
  ~ControlSocket() override;

  struct Statistics {
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;  // by uid
  };
  [[nodiscard]] const Statistics& statistics() const noexcept { return statistics_; }
  [[nodiscard]] std::size_t connections() const noexcept { return clients_.size(); }

 private:
  struct Client;
  [[nodiscard]] bool on_open(loop::LocalId id, const loop::LocalPeer& peer) override;
  void on_bytes(loop::LocalId id, Bytes bytes) override;
  void on_drained(loop::LocalId id) override;
  void on_close(loop::LocalId id) override;

  RpcServices services_;
  Options options_;
  std::uint32_t owner_;  // uid of whoever started the server
  Statistics statistics_;
  std::map<loop::LocalId, std::unique_ptr<Client>> clients_;
  loop::LocalServer server_;
};

}  // namespace sluice
