#include "control/signaling/protoo/pending_requests.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

namespace sluice::protoo {
namespace {

/// The range that the reference draws from; a client may keep ids in 32 bits.
constexpr std::uint32_t id_max = 10'000'000;

Duration patience(std::size_t waiting) {
  // 2000 * (15 + 0.1 * waiting) ms
  return std::chrono::milliseconds(30'000 + 200 * static_cast<std::int64_t>(waiting));
}

}  // namespace

std::optional<std::string> PendingRequests::add(Reply reply, TimePoint now) {
  if (waiting_.size() >= pending_max_) return std::nullopt;
  const auto taken = [&](std::uint32_t id) {
    return std::any_of(waiting_.begin(), waiting_.end(), [&](const Waiting& waiting) { return waiting.id == id; });
  };
  do {
    last_id_ = last_id_ % id_max + 1;
  } while (taken(last_id_));
  waiting_.push_back({last_id_, now + patience(waiting_.size()), std::move(reply)});
  return std::to_string(last_id_);
}

bool PendingRequests::answered(const Response& response) {
  if (waiting_.empty()) return false;
  // Compared as numbers, as JavaScript does: 7.0 answers 7.
  double id = -1;
  std::from_chars(response.id.data(), response.id.data() + response.id.size(), id);
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const Waiting& waiting) { return id == static_cast<double>(waiting.id); });
  if (found == waiting_.end()) return false;
  const Reply reply = std::move(found->reply);
  waiting_.erase(found);
  Outcome outcome;
  if (response.ok) {
    outcome.data = response.data.raw();
  } else {
    outcome.kind = Outcome::Kind::error;
    if (response.error_code) outcome.error_code = response.error_code->raw();
    if (response.error_reason) outcome.error_reason = response.error_reason->raw();
  }
  reply(outcome);
  return true;
}

void PendingRequests::handle_timeout(TimePoint now) {
  std::vector<Reply> over;
  for (Waiting& waiting : waiting_) {
    if (waiting.deadline <= now) over.push_back(std::move(waiting.reply));
  }
  std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.deadline <= now; });
  for (const Reply& reply : over) reply({Outcome::Kind::timeout, {}, {}, {}});
}

TimePoint PendingRequests::next_deadline() const {
  TimePoint next = never;
  for (const Waiting& waiting : waiting_) next = std::min(next, waiting.deadline);
  return next;
}

void PendingRequests::fail_all() {
  for (const Waiting& waiting : std::exchange(waiting_, {})) waiting.reply({Outcome::Kind::peer_closed, {}, {}, {}});
}

}  // namespace sluice::protoo
