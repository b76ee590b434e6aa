#include "control/policy/policy_engine.hpp"

#include <utility>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"

namespace sluice {
namespace {

constexpr std::string_view capabilities_key = "__caps";

std::string json_text(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

CapabilitySet capabilities_in(const Metadata& metadata) {
  CapabilitySet set;
  const std::string* raw = metadata.find(capabilities_key);
  const auto view = raw != nullptr ? JsonView::parse(*raw) : std::nullopt;
  const auto names = view ? view->as_array() : std::nullopt;
  if (!names) return set;
  for (const JsonView& name : *names) {
    if (const auto capability = parse_capability(name.as_string().value_or(""))) set.add(*capability);
  }
  return set;
}

Capability needed_for(MemberAction action) {
  switch (action) {
    case MemberAction::publish:
      return Capability::publish;
    case MemberAction::subscribe:
      return Capability::subscribe;
    case MemberAction::data:
      return Capability::data;
    case MemberAction::record:
      break;
  }
  return Capability::record;
}

}  // namespace

PolicyEngine::PolicyEngine(Rooms& rooms, Bus& bus, PolicyEngineOptions options,
                           std::function<std::int64_t(TimePoint)> unix_ms)
    : rooms_(rooms), bus_(bus), options_(std::move(options)), unix_ms_(std::move(unix_ms)) {
  subscriptions_.push_back(bus.subscribe<PeerJoined>([this](const PeerJoined& fact) {
    learn(fact.peer.id, fact.peer.metadata);
    enforce(fact.peer.id);
  }));
  subscriptions_.push_back(bus.subscribe<PeerMetadataChanged>([this](const PeerMetadataChanged& fact) {
    const Peer* peer = rooms_.find_peer(fact.peer);
    if (fact.patch.find(capabilities_key) == nullptr || peer == nullptr || !members_.contains(fact.peer)) return;
    learn(fact.peer, peer->metadata());
    enforce(fact.peer);
    if (fact.room) bus_.publish(CapabilitiesChanged{fact.peer, *fact.room, members_.at(fact.peer)});
  }));
  subscriptions_.push_back(bus.subscribe<PeerLeft>([this](const PeerLeft& fact) { members_.erase(fact.peer.id); }));
  subscriptions_.push_back(bus.subscribe<RoomsRestored>([this](const RoomsRestored&) {
    std::vector<PeerId> restored;
    for (const auto& [id, peer] : rooms_.peers()) {
      if (!peer->room()) continue;
      learn(id, peer->metadata());
      restored.push_back(id);
    }
    for (const PeerId& id : restored) enforce(id);
  }));
  rooms_.add_admission_step(*this);
  rooms_.add_permissions(*this);
}

// --- the door
// ---------------------------------------------------------------------------------------------------------------

void PolicyEngine::decide(const AdmissionRequest& request, AdmissionReply reply) {
  const std::string* raw = request.metadata.find(options_.token_metadata_key);
  const auto token = raw != nullptr ? JsonView::parse(*raw) : std::nullopt;
  Admit admit;
  if (!token || !token->truthy()) {
    if (options_.required) {
      return refuse(request, reply, "POLICY_REQUIRED", "A valid policy token is required to join this room");
    }
    admit.edits.append(options_.token_metadata_key, "null");
    admit.edits.append(std::string(capabilities_key), capabilities_json(options_.default_capabilities));
    admit.edits.append("__role", json_text("viewer"));
    return reply(std::move(admit), request.now);
  }
  const auto text = token->as_string();
  const auto policy =
      text ? verify(*text, request.now) : Result<Policy, std::string>(unexpected(std::string(token_missing)));
  if (!policy) {
    return refuse(request, reply, "POLICY_INVALID", "Policy token rejected: " + policy.error(), policy.error());
  }
  if (policy->room != "*" && policy->room != request.room.value) {
    return refuse(request, reply, "POLICY_ROOM_MISMATCH", "This token is not valid for room \"" + request.room.value + "\"");
  }
  admit.max_peers = policy->max_peers;
  admit.edits.append(options_.token_metadata_key, "null");
  admit.edits.append(std::string(capabilities_key), capabilities_json(policy->capabilities));
  admit.edits.append("__role", json_text(policy->role));
  admit.edits.append("__sub", json_text(policy->subject));
  if (policy->region) admit.edits.append("__region", json_text(*policy->region));
  if (policy->tenant) admit.edits.append("__tenant", json_text(*policy->tenant));
  reply(std::move(admit), request.now);
}

void PolicyEngine::refuse(const AdmissionRequest& request, const AdmissionReply& reply, std::string code,
                          std::string message, std::string reason) {
  bus_.publish(PolicyViolated{request.peer, request.room, std::move(code), std::move(reason)});
  Refuse refusal;
  refusal.message = std::move(message);
  reply(std::move(refusal), request.now);
}

// --- inside
// -----------------------------------------------------------------------------------------------------------------

void PolicyEngine::learn(const PeerId& peer, const Metadata& metadata) {
  members_[peer] = capabilities_in(metadata);
}

void PolicyEngine::enforce(const PeerId& peer) {
  (void)rooms_.restrict_media(peer, Restriction::policy, MediaDirection::send, !has(peer, Capability::publish));
  (void)rooms_.restrict_media(peer, Restriction::policy, MediaDirection::receive, !has(peer, Capability::subscribe));
}

CapabilitySet PolicyEngine::capabilities_of(const PeerId& peer) const {
  const auto found = members_.find(peer);
  return found == members_.end() ? CapabilitySet{} : found->second;
}

bool PolicyEngine::allows(const PeerId& peer, MemberAction action) const {
  if (has(peer, needed_for(action))) return true;
  ++denials_[static_cast<std::size_t>(action)];
  return false;
}

bool PolicyEngine::set_capabilities(const PeerId& peer, CapabilitySet capabilities) {
  if (!members_.contains(peer)) return false;
  Metadata patch;
  patch.append(std::string(capabilities_key), capabilities_json(capabilities));
  // Taken away before anybody is told, and even if the metadata should have no room for it.
  members_[peer] = capabilities;
  enforce(peer);
  return rooms_.patch_peer_metadata(peer, patch);
}

// --- tokens
// -----------------------------------------------------------------------------------------------------------------

Result<std::string, std::string> PolicyEngine::issue(const PolicyRequest& request, TimePoint now) {
  const PolicyTokenOptions options{options_.secret, options_.issuer, options_.default_capabilities};
  auto token = issue_policy_token(request, options, unix_ms_(now));
  if (token) bus_.publish(PolicyIssued{request.subject, request.room, request.role});
  return token;
}

Result<Policy, std::string> PolicyEngine::verify(std::string_view token, TimePoint now) {
  auto policy = verify_policy_token(token, options_.secret, unix_ms_(now));
  bus_.publish(policy ? PolicyVerified{true, policy->subject, {}} : PolicyVerified{false, {}, policy.error()});
  return policy;
}

}  // namespace sluice
