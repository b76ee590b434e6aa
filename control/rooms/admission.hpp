#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "control/rooms/ids.hpp"
#include "control/rooms/metadata.hpp"
#include "shm/types/time.hpp"

/// The chain of steps that each join passes (contract section 5, steps 3 and 4). Modules add their own step.
namespace sluice {

/// When a step runs: cheapest first, whatever the order of registration.
enum class AdmissionStage : std::uint8_t { room_token, backpressure, room_lock, user_hook, policy, residency, join_rate };

/// What a step is shown. Valid for the call of decide() only; a step that answers later keeps copies.
struct AdmissionRequest {
  PeerId peer;
  RoomId room;
  std::string ip;
  Metadata metadata;  // the client's, with the edits of the steps before
  TimePoint now;
};

/// Lets the join pass to the next step.
struct Admit {
  Metadata edits;                        // merged into the peer's metadata; `null` removes a key
  std::optional<std::size_t> max_peers;  // lowers the room's capacity for this join (policy)
};
/// Ends the join: error `code` with `message`, then (unless it is `for_now`) close 1008 with `close_reason`.
struct Refuse {
  std::string code = "JOIN_REJECTED";
  std::string message = "Join rejected";
  std::string close_reason;     // empty: the message
  std::string rejected_reason;  // of the fact JoinRejected; empty: the message
  bool for_now = false;         // too much at the moment: the connection stays, the client may ask again
  bool temporary = false;       // it is not about this client: the same one may be let in a moment later
};
/// The step itself failed (hook unreachable): AUTH_ERROR with `message`, close 1008 `Auth error`, no JoinRejected.
struct AdmissionFailure {
  std::string message;
};
using AdmissionDecision = std::variant<Admit, Refuse, AdmissionFailure>;

/// Answers one decide(), at once or later, once: further calls do nothing, nor does an answer for a peer that has gone
/// meanwhile. Copies share the one answer. If all copies go without an answer, the join fails with AUTH_ERROR.
class AdmissionReply {
 public:
  using Function = std::function<void(AdmissionDecision, TimePoint now)>;
  explicit AdmissionReply(Function answer, TimePoint asked);
  void operator()(AdmissionDecision decision, TimePoint now) const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

class AdmissionStep {
 public:
  virtual ~AdmissionStep() = default;
  [[nodiscard]] virtual AdmissionStage stage() const = 0;
  virtual void decide(const AdmissionRequest& request, AdmissionReply reply) = 0;
};

}  // namespace sluice
