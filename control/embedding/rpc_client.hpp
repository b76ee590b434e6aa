#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "shm/types/result.hpp"
#include "shm/types/time.hpp"

namespace sluice::embedding {

/// Why a call has no result.
struct CallFailure {
  enum class Kind : std::uint8_t {
    answered,      // by an error of the server: `code`, `message`
    timed_out,     // its deadline passed
    disconnected,  // the connection ended after it had been sent
    too_many,      // more than calls_max wait
    closed,        // close() was called
  };
  Kind kind = Kind::answered;
  int code = 0;  // of JSON-RPC
  std::string message;
};
using CallResult = Result<nlohmann::json, CallFailure>;
using CallReply = std::function<void(const CallResult&)>;

struct RpcClientOptions {
  std::size_t calls_max = 1024;  // under way or waiting for the connection; more fail at once. The server's own limit
};

/// The client's side of a control socket (JSON-RPC 2.0, one message a line), without its connection. Sans-I/O: lines and
/// time come in, lines and a deadline go out.
///
/// Between connections calls wait for the next one, until their deadlines. A new connection begins with a setup: the owner
/// sends what it needs by setup_call() (subscriptions, hooks), and says set_up(); then waiting calls go out, in order. A
/// call that was sent and has no answer when its connection ends fails: nobody knows whether it was done.
class RpcClient {
 public:
  enum class State : std::uint8_t {
    offline,     // no connection
    setting_up,  // connected; only setup calls go out
    ready,
    closed,  // for good: every call fails
  };
  /// A request of the server to us: `hook.NAME`. Answered by answer() or refuse(), at any time.
  struct Question {
    std::string hook;
    nlohmann::json request;
    nlohmann::json id;
    std::uint64_t connection = 0;
  };
  /// What the server says by itself; called inside receive().
  struct Listener {
    std::function<void(std::string name, nlohmann::json data, std::uint64_t number)> on_event;
    std::function<void(std::uint64_t count)> on_events_dropped;
    std::function<void(Question)> on_question;
  };

  explicit RpcClient(Listener listener, RpcClientOptions options = {});

  void connected();
  /// The setup is done.
  void set_up();
  void disconnected();
  /// Ends all calls; nothing is sent any more.
  void close();

  /// One line of the server, without its end. What is no message, or answers nothing, is counted and dropped.
  void receive(std::string_view line);
  /// `reply` runs exactly once, inside another call of this object, possibly inside this one.
  void call(const std::string& method, nlohmann::json params, TimePoint deadline, CallReply reply);
  /// Goes out at once; only while setting_up. Calls that wait do not count: a setup is never refused for them.
  void setup_call(const std::string& method, nlohmann::json params, TimePoint deadline, CallReply reply);
  void answer(const Question& question, nlohmann::json result);
  void refuse(const Question& question, const std::string& message);

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;
  /// The next line to send, without its end. Drain after each call.
  [[nodiscard]] std::optional<std::string> poll_line();

  [[nodiscard]] State state() const noexcept { return state_; }
  /// Lines that were dropped.
  [[nodiscard]] std::uint64_t bad_lines() const noexcept { return bad_lines_; }

 private:
  struct Pending {
    TimePoint deadline;
    CallReply reply;
    std::string line;  // not sent yet; empty: sent
  };
  struct Manner {
    bool now;       // goes out at once
    bool is_setup;  // taken beyond calls_max
  };
  void add(const std::string& method, nlohmann::json params, TimePoint deadline, CallReply reply, Manner manner);
  void take_answer(const nlohmann::json& message);
  void take_request(nlohmann::json& message);
  void respond(const Question& question, nlohmann::json message);
  void fail(std::map<std::uint64_t, Pending> failed, const CallFailure& why);

  Listener listener_;
  RpcClientOptions options_;
  State state_ = State::offline;
  std::map<std::uint64_t, Pending> pending_;  // by id: the order in which they were made
  std::deque<std::string>
      outgoing_;  // bounded by calls_max, the setup, and the answers to questions, which the server bounds
  std::uint64_t last_id_ = 0;
  std::uint64_t connection_ = 0;  // number of this connection: answers to questions of an older one go nowhere
  std::uint64_t bad_lines_ = 0;
};

}  // namespace sluice::embedding
