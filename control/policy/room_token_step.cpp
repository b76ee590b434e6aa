#include "control/policy/room_token_step.hpp"

#include <utility>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"
#include "control/policy/room_token.hpp"

namespace sluice {
namespace {

Refuse refusal(std::string code, std::string message, std::string close_reason) {
  Refuse refuse;
  refuse.rejected_reason = code;
  refuse.code = std::move(code);
  refuse.message = std::move(message);
  refuse.close_reason = std::move(close_reason);
  return refuse;
}

}  // namespace

RoomTokenStep::RoomTokenStep(Rooms& rooms, Bus& bus, std::string secret, std::function<std::int64_t(TimePoint)> unix_ms)
    : rooms_(rooms), secret_(std::move(secret)), unix_ms_(std::move(unix_ms)) {
  subscriptions_.push_back(bus.subscribe<PeerJoined>([this](const PeerJoined& fact) {
    const auto found = joining_.find(fact.peer.id);
    const Verdict verdict = found == joining_.end() ? Verdict{} : found->second;  // nobody joins without a verdict
    if (found != joining_.end()) joining_.erase(found);
    (void)rooms_.restrict_media(fact.peer.id, Restriction::token, MediaDirection::send, !verdict.publish);
    (void)rooms_.restrict_media(fact.peer.id, Restriction::token, MediaDirection::receive, !verdict.subscribe);
  }));
  subscriptions_.push_back(bus.subscribe<PeerClosed>([this](const PeerClosed& fact) { joining_.erase(fact.peer); }));
  rooms_.add_admission_step(*this);
  rooms_.add_permissions(*this);
}

void RoomTokenStep::decide(const AdmissionRequest& request, AdmissionReply reply) {
  const std::string* raw = request.metadata.find("token");
  const auto view = raw != nullptr ? JsonView::parse(*raw) : std::nullopt;
  const auto token = view ? view->as_string() : std::nullopt;
  if (!token || token->empty()) {
    return reply(refusal("TOKEN_REQUIRED", "A room token is required to join", "Token required"), request.now);
  }
  auto claims = verify_room_token(*token, secret_, unix_ms_(request.now) / 1000);
  if (!claims) return reply(refusal("TOKEN_INVALID", claims.error(), "Invalid token"), request.now);
  if (claims->room && *claims->room != request.room.value) {
    return reply(refusal("TOKEN_ROOM_MISMATCH", "This token is for room \"" + *claims->room + "\"", "Token room mismatch"),
                 request.now);
  }
  const Verdict verdict{claims->can_publish.value_or(false), claims->can_subscribe.value_or(false)};
  joining_[request.peer] = verdict;
  Admit admit;
  admit.edits.append("token", "null");
  if (claims->subject) {
    std::string subject;
    append_json_string(subject, *claims->subject);
    admit.edits.append("tokenSub", std::move(subject));
  }
  admit.edits.append("canPublish", verdict.publish ? "true" : "false");
  admit.edits.append("canSubscribe", verdict.subscribe ? "true" : "false");
  admit.edits.merge(claims->metadata, Metadata::NullMeans::store);
  reply(std::move(admit), request.now);
}

bool RoomTokenStep::allows(const PeerId& peer, MemberAction action) const {
  const Peer* found = rooms_.find_peer(peer);
  if (found == nullptr) return false;
  switch (action) {
    case MemberAction::publish:
      return !found->restrictions().has(Restriction::token, MediaDirection::send);
    case MemberAction::subscribe:
      return !found->restrictions().has(Restriction::token, MediaDirection::receive);
    case MemberAction::data:
    case MemberAction::record:
      break;
  }
  return true;
}

}  // namespace sluice
