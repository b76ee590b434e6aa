#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/signaling/protoo/protoo_message.hpp"
#include "shm/types/time.hpp"

namespace sluice::protoo {

/// How a request of ours to a client ended. Texts are JSON, borrowed for the call.
struct Outcome {
  enum class Kind : std::uint8_t { success, error, timeout, peer_closed };
  Kind kind = Kind::success;
  std::string_view data;          // of a success
  std::string_view error_code;    // of an error; empty when the client gave none
  std::string_view error_reason;  // the same
};

/// The requests of the server that wait for one client's answers (contract protoo, section 5). Each ends exactly once: by
/// the answer, by its time-out, or by fail_all(). Sans-I/O.
class PendingRequests {
 public:
  using Reply = std::function<void(const Outcome&)>;

  /// More than this many at once are refused.
  explicit PendingRequests(std::size_t pending_max = 256) : pending_max_(pending_max) {}

  /// Notes a request and gives its id; nothing when too many wait, and then `reply` is not called. It times out after
  /// 2000 * (15 + 0.1 * waiting) ms, by the number of those that wait already.
  [[nodiscard]] std::optional<std::string> add(Reply reply, TimePoint now);
  /// The client's answer. False when nobody waits for it (any more).
  bool answered(const Response& response);
  /// Ends those whose time is over.
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;
  /// The client is gone.
  void fail_all();
  [[nodiscard]] std::size_t size() const noexcept { return waiting_.size(); }

 private:
  struct Waiting {
    std::uint32_t id = 0;
    TimePoint deadline;
    Reply reply;
  };
  std::size_t pending_max_;
  std::uint32_t last_id_ = 0;
  std::vector<Waiting> waiting_;
};

}  // namespace sluice::protoo
