#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "control/embedding/callback_queue.hpp"
#include "control/embedding/control_link.hpp"
#include "control/embedding/mirror.hpp"
#include "control/embedding/rpc_client.hpp"
#include "control/embedding/server_process.hpp"
#include "sluice/server.hpp"

namespace sluice::rooms::detail {

/// What a SignalingServer and all handles from it share. Two threads of its own: the link's, which talks to the server and
/// keeps the mirror, and the one that runs callbacks. Everything below `lock` is guarded by it; callbacks and calls that
/// wait run without it.
class ServerState : public std::enable_shared_from_this<ServerState> {
 public:
  explicit ServerState(ServerOptions options);
  ~ServerState();
  ServerState(const ServerState&) = delete;
  ServerState& operator=(const ServerState&) = delete;

  void listen();
  /// Ends threads and calls; the server goes on unless it was to end with us.
  void let_go();
  void close_server();

  /// Waits for the answer. Throws Error.
  Json call(const std::string& method, Json params);

  // --- modules
  /// Before listen(): becomes part of the configuration. After: attached to the running server. Each connection's setup
  /// attaches it again, for a server that was there already or was started anew; the event `error` tells what is refused
  /// then. Again for the same key: nothing. Throws Error.
  void attach_module(const std::string& key, Json options);

  // --- what is known
  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] const std::string& control_socket() const noexcept { return options_.controlSocket; }
  [[nodiscard]] std::vector<Room> rooms();
  [[nodiscard]] std::vector<Peer> peers();
  [[nodiscard]] std::optional<Room> room(const std::string& id);
  [[nodiscard]] std::optional<Peer> peer(const std::string& id);
  [[nodiscard]] std::vector<Peer> members(const RoomRecord& room);
  Room take_room(const Json& summary);
  /// Reads a record under the lock.
  template <typename Record, typename Look>
  [[nodiscard]] auto look(const std::shared_ptr<Record>& record, Look&& look_at) const {
    const std::lock_guard lock(lock_);
    return look_at(*record);
  }

  // --- callbacks
  Listener add_server_handler(const std::string& event, Handler handler);
  Listener add_room_handler(const std::string& room, const std::string& event, Handler handler);
  Listener add_peer_handler(const std::string& peer, const std::string& event, Handler handler);
  using HookHandler = std::function<Json(const Json& request)>;
  void set_hook(const std::string& hook, HookHandler handler);

 private:
  struct Registration {
    std::string owner;  // id of the room or peer; empty: the server
    Handler handler;
    std::atomic<bool> alive = true;
  };
  using Registrations = std::multimap<std::string, std::shared_ptr<Registration>>;  // by event

  Listener add(Registrations& list, const std::string& owner, const std::string& event, Handler handler);
  /// `done` runs under the lock, before anything that comes after the answer.
  Json call_and(const std::string& method, Json params, std::function<void()> done);
  void make_link();
  void prepare_place();
  [[nodiscard]] Json configuration() const;
  [[nodiscard]] bool answers_already() const;
  // Under the lock, on the link's thread.
  void set_up_connection();
  void took_snapshot(const Json& snapshot);
  void lost_connection();
  void tell(embedding::Notice notice);
  void ask(embedding::RpcClient::Question question);
  // On the callback thread.
  void run_handlers(const embedding::Notice& notice);
  void run_list(const Registrations& list, const std::string& owner, const std::string& event, const Happening& happening);
  void report(const std::string& message);

  ServerOptions options_;
  mutable std::mutex lock_;
  std::condition_variable changed_;
  embedding::RpcClient client_;
  embedding::Mirror mirror_;
  std::map<std::string, Json> modules_;  // by configuration key
  std::map<std::string, HookHandler> hooks_;
  Registrations server_handlers_;
  Registrations room_handlers_;
  Registrations peer_handlers_;
  bool wants_private_ = false;  // somebody listens to what members send each other
  bool listening_ = false;
  bool over_ = false;
  std::uint16_t port_ = 0;
  std::uint64_t connections_ = 0;
  bool place_is_ours_ = false;  // the folder of the control socket
  std::optional<embedding::ServerProcess> process_;
  std::optional<std::string> start_problem_;
  bool started_ = false;
  std::unique_ptr<embedding::CallbackQueue> callbacks_;
  std::unique_ptr<embedding::ControlLink> link_;
};

}  // namespace sluice::rooms::detail
