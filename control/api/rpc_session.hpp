#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/api/event_feed.hpp"
#include "control/api/operations.hpp"
#include "control/api/rpc_message.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// Where a session's lines go: a Unix socket, a WebSocket.
class RpcSink {
 public:
  virtual ~RpcSink() = default;
  /// Queues one line, without its end.
  virtual void write(std::string line) = 0;
  /// What was written and has not left yet.
  [[nodiscard]] virtual std::size_t queued_bytes() const = 0;
  /// Ends the connection; the session is destroyed later, not inside this call.
  virtual void close() = 0;
};

struct RpcLimits {
  std::size_t batch_max = 128;                            // requests in one line
  std::size_t calls_max = 1024;                           // under way; more are answered too_busy
  std::size_t subscriptions_max = 64;                     // of one client
  std::size_t filter_max = 256;                           // names or rooms in one filter
  std::size_t event_queue_bytes = std::size_t{1} << 20U;  // above this events are dropped and counted
  std::size_t queue_bytes_max = std::size_t{32} << 20U;   // above this the client is put out: it reads nothing
};

struct RpcStatistics {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  std::uint64_t events = 0;
  std::uint64_t events_dropped = 0;
  std::uint64_t slow_clients_closed = 0;
};

/// Where clients register as those who answer hooks.
class HookRegistry {
 public:
  virtual ~HookRegistry() = default;
  /// The answer, or a sentence why there is none. Once; later ones do nothing.
  using Answer = std::function<void(Result<nlohmann::json, std::string>)>;
  using Provider = std::function<void(const nlohmann::json& request, Answer answer)>;
  /// The provider is asked until what is returned goes.
  [[nodiscard]] virtual std::shared_ptr<void> attach(const std::string& hook, Provider provider) = 0;
};

/// What sessions share. Outlives them.
struct RpcServices {
  const Operations& operations;
  EventFeed& events;
  HookRegistry* hooks = nullptr;  // null: hooks cannot be answered here
  RpcStatistics* statistics = nullptr;
  /// Told of every call that changes something (Operations::only_looks() says no) when its outcome is known, also if the
  /// client is gone by then: for the audit log. `status` as in ApiAccessed.
  using Observer = std::function<void(const OperationCaller& caller, const std::string& method, int status)>;
  Observer observer = {};
};

/// One client's JSON-RPC 2.0 conversation, without its connection: calls of operations, subscriptions to events, answers to
/// hooks. Sans-I/O.
///
/// A slow reader loses events, never answers: above `event_queue_bytes` events are dropped, and when the queue is short
/// again `events.dropped {subscription, count}` says how many. A client whose queue grows above `queue_bytes_max` by its own
/// calls is closed.
class RpcSession {
 public:
  RpcSession(RpcServices services, RpcSink& sink, OperationCaller caller, RpcLimits limits = {});
  ~RpcSession();
  RpcSession(const RpcSession&) = delete;
  RpcSession& operator=(const RpcSession&) = delete;

  /// One line of the client, without its end.
  void receive(std::string_view line);
  /// A line was longer than allowed and thrown away.
  void receive_too_long();
  /// The sink's queue has become shorter.
  void drained();

  /// The methods that belong to the connection, for documentation; they have no handlers.
  [[nodiscard]] static std::span<const Operation> own_methods();

 private:
  struct Batch;
  struct Subscription {
    std::uint64_t id = 0;
    std::set<std::string> names;  // empty, and no patterns: every event but what members send each other
    std::vector<std::string> patterns;
    std::set<std::string> rooms;  // empty: all
    std::uint64_t dropped = 0;
  };

  void ask(const std::string& hook, const nlohmann::json& request, HookRegistry::Answer answer);
  void handle(RpcItem item, const std::shared_ptr<Batch>& batch);
  void call(RpcRequest request, const std::shared_ptr<Batch>& batch);
  [[nodiscard]] OperationResult call_own(const std::string& method, const nlohmann::json& params, bool& known);
  [[nodiscard]] OperationResult subscribe(const nlohmann::json& params);
  [[nodiscard]] OperationResult register_hooks(const nlohmann::json& params, bool adding);
  [[nodiscard]] nlohmann::json discover() const;
  void answer(const std::shared_ptr<Batch>& batch, nlohmann::json message);
  void on_event(std::string_view event, const nlohmann::json& data, std::uint64_t number);
  [[nodiscard]] static bool names(const Subscription& subscription, std::string_view event);
  [[nodiscard]] static bool wants(const Subscription& subscription, std::string_view event, const nlohmann::json& data);
  void write(const nlohmann::json& message);

  RpcServices services_;
  RpcSink& sink_;
  OperationCaller caller_;
  RpcLimits limits_;
  std::map<std::uint64_t, Subscription> subscriptions_;
  EventFeed::Subscription listener_;
  std::map<std::string, std::shared_ptr<void>> attachments_;
  std::map<std::uint64_t, HookRegistry::Answer> asked_;  // by the number of our request; at most calls_max, the oldest fails
  std::uint64_t last_subscription_ = 0;
  std::uint64_t last_asked_ = 0;
  std::size_t calls_ = 0;
  bool closed_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sluice
