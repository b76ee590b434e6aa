#include "control/reliability/backpressure_controller.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace sluice {
namespace {

constexpr const char* overloaded = "Server overloaded";
/// Of the connected peers, in one sample (contract section 24).
constexpr std::size_t shed_divisor = 20;

/// The text of `__role`, whose value is a JSON string; empty without one.
std::string role_of(const Peer& peer) {
  const std::string* raw = peer.metadata().find("__role");
  return raw != nullptr && raw->size() >= 2 && raw->front() == '"' ? raw->substr(1, raw->size() - 2) : std::string();
}

}  // namespace

BackpressureController::BackpressureController(Rooms& rooms, Bus& bus, BackpressureOptions options, Probe probe)
    : rooms_(rooms),
      bus_(bus),
      options_(options),
      probe_(std::move(probe)),
      peer_closed_(bus.subscribe<PeerClosed>([this](const PeerClosed& fact) { heard_.erase(fact.peer); })) {}

void BackpressureController::decide(const AdmissionRequest& request, AdmissionReply reply) {
  switch (level_) {
    case LoadLevel::normal:
      break;
    case LoadLevel::elevated:
      if (options_.join_slowdown > std::chrono::milliseconds(0)) {
        waiting_.push_back({request.now + options_.join_slowdown, std::move(reply)});
        return;
      }
      break;
    case LoadLevel::high:
      (void)rooms_.post(request.peer,
                        R"({"type":"server:warning","code":"HIGH_LOAD","message":"The server is under high load"})");
      break;
    case LoadLevel::critical:
    case LoadLevel::shedding:
      (void)rooms_.post(
          request.peer,
          R"({"type":"error","code":"SERVER_OVERLOADED","message":"The server is overloaded; try again later"})");
      return reply(Refuse{.message = overloaded, .close_reason = {}, .rejected_reason = {}, .temporary = true}, request.now);
  }
  reply(Admit{}, request.now);
}

void BackpressureController::heard(const PeerId& peer, TimePoint now) {
  heard_[peer] = now;
}

TimePoint BackpressureController::next_deadline() const noexcept {
  return waiting_.empty() ? next_sample_ : std::min(next_sample_, waiting_.front().until);
}

void BackpressureController::handle_timeout(TimePoint now) {
  while (!waiting_.empty() && waiting_.front().until <= now) {
    const AdmissionReply reply = std::move(waiting_.front().reply);
    waiting_.pop_front();
    reply(Admit{}, now);
  }
  if (now >= next_sample_) take_sample(now);
}

void BackpressureController::take_sample(TimePoint now) {
  next_sample_ = now + options_.sample_interval;
  sample_ = probe_();
  sample_.peers = static_cast<double>(peer_count()) / static_cast<double>(std::max<std::size_t>(options_.max_peers, 1));
  const LoadLevel before = std::exchange(level_, level_of(sample_));
  if (level_ != before) bus_.publish(LoadChanged{level_, sample_});
  if (level_ == LoadLevel::shedding && options_.shedding) shed_some();
}

void BackpressureController::shed_some() {
  // Who goes first: outside a room or of no importance, then the others; among them who has been quiet for longest.
  std::vector<std::tuple<bool, TimePoint, PeerId>> candidates;
  for (const auto& [id, peer] : rooms_.peers()) {
    const std::string role = role_of(*peer);
    if (role == "moderator" || role == "admin") continue;
    const bool counts = peer->room().has_value() && !role.empty() && role != "viewer";
    const auto found = heard_.find(id);
    candidates.emplace_back(counts, found == heard_.end() ? TimePoint{} : found->second, id);
  }
  std::sort(candidates.begin(), candidates.end());
  const std::size_t wanted = (peer_count() + shed_divisor - 1) / shed_divisor;
  for (std::size_t i = 0; i < std::min(wanted, candidates.size()); ++i) {
    if (rooms_.kick(std::get<PeerId>(candidates[i]), "Server load shedding. Please reconnect.", std::nullopt,
                    LeaveCause::shed))
      ++shed_;
  }
}

}  // namespace sluice
