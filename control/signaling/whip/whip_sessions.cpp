#include "control/signaling/whip/whip_sessions.hpp"

#include <algorithm>
#include <utility>

#include "control/rooms/random_id.hpp"

namespace sluice {

using whip::Failure;
using whip::Role;

namespace {

const std::string record_prefix = "whip/";

/// A session's record: its fields, one a line.
std::string encode(const PeerId& peer, Role role, bool audio, bool video, const std::string& publisher) {
  std::string text(1, role == Role::publish ? 'P' : 'S');
  text += audio ? 'a' : '-';
  text += video ? 'v' : '-';
  return text + "\n" + peer.value + "\n" + publisher;
}

/// A JSON string of a token: what may stand in a header needs two escapes only.
std::string quoted(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) continue;
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + "\"";
}

Failure refused(const JoinRefusal& refusal, bool had_token) {
  const std::string message = refusal.message.empty() ? refusal.code : refusal.message;
  switch (refusal.kind) {
    case JoinRefusal::Kind::invalid_room_id:
      return {400, "the room's name is blank or too long"};
    case JoinRefusal::Kind::room_not_found:
      return {404, "there is no such room, and rooms are not made by joining"};
    case JoinRefusal::Kind::room_full:
      return {503, "the room is full"};
    case JoinRefusal::Kind::rate_limited:
      return {429, message};
    case JoinRefusal::Kind::failed:
      return {503, message.empty() ? "who may join could not be decided" : message};
    case JoinRefusal::Kind::rejected:
      break;
  }
  if (refusal.temporary) return {503, message};
  return {had_token ? 403 : 401, message};
}

Failure failed(const MediaSignaling::OfferError& error) {
  if (error.code == "SFU_UNAVAILABLE") return {503, error.message};
  return {error.code == "SFU_OFFER_INVALID" ? 400 : 409, error.message};
}

}  // namespace

struct WhipSessions::Opening {
  Request request;
  whip::PreparedOffer offer;
  PeerId peer;
  std::function<void(Answer)> done;
  bool answered = false;
};

WhipSessions::WhipSessions(Rooms& rooms, Publications& publications, MediaSignaling& media, Sessions& sessions, Bus& bus,
                           StateLog& log, Entropy& entropy, WhipOptions options)
    : rooms_(rooms),
      publications_(publications),
      media_(media),
      held_(sessions),
      log_(log),
      entropy_(entropy),
      options_(std::move(options)),
      join_limit_(options_.joins_per_second_max) {
  follow(bus);
}

WhipSessions::~WhipSessions() {
  *alive_ = false;
}

void WhipSessions::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto react) { subscriptions_.push_back(bus.subscribe<Fact>(react)); };
  on.template operator()<PeerLeft>([this](const PeerLeft& fact) {
    if (const auto known = by_peer_.find(fact.peer.id); known != by_peer_.end()) forget(std::string(known->second));
  });
  on.template operator()<MediaConnected>([this](const MediaConnected& fact) {
    const auto known = by_peer_.find(fact.peer);
    if (known == by_peer_.end()) return;
    sessions_.at(known->second).connected = true;
    if (const auto due = deadline_of_.find(known->second); due != deadline_of_.end()) {
      connect_deadlines_.erase({due->second, known->second});
      deadline_of_.erase(due);
    }
  });
  // RFC 9725 section 4.3.3: a session whose consent has expired is over, restart or not.
  on.template operator()<MediaInterrupted>([this](const MediaInterrupted& fact) {
    if (by_peer_.contains(fact.peer)) ending_.insert(fact.peer);
  });
  on.template operator()<MediaClosed>([this](const MediaClosed& fact) {
    if (by_peer_.contains(fact.peer)) ending_.insert(fact.peer);
  });
  on.template operator()<PublicationStarted>([this](const PublicationStarted& fact) { feed_room_soon(fact.room); });
  on.template operator()<PublicationEnded>([this](const PublicationEnded& fact) { feed_room_soon(fact.room); });
  on.template operator()<ConsumerCodecUnsupported>([this](const ConsumerCodecUnsupported& fact) {
    const Peer* peer = rooms_.find_peer(fact.peer);
    if (peer != nullptr && peer->dialect() == whip_dialect_name) unsupported_.insert(fact.peer);
  });
}

void WhipSessions::feed_room_soon(const RoomId& room) {
  const Room* found = rooms_.find_room(room);
  if (found == nullptr) return;
  for (const PeerId& member : found->members()) {
    const auto known = by_peer_.find(member);
    if (known != by_peer_.end() && sessions_.at(known->second).role == Role::play) hungry_.insert(member);
  }
}

PeerId WhipSessions::open(Request request, TimePoint now, std::function<void(Answer)> done) {
  const auto fail = [&](Failure failure) {
    done(unexpected(std::move(failure)));
    return PeerId();
  };
  if (guard_ != nullptr) {
    if (const auto why = guard_->refuse_connection(request.ip, now)) return fail({403, *why});
  }
  if (!join_limit_.admit(request.ip, now)) return fail({429, "too many sessions opened from this address in a second"});
  if (sessions_.size() >= options_.sessions_max) return fail({503, "too many sessions"});
  if (request.offer.size() > options_.offer_bytes_max) return fail({413, "the offer is too long"});
  auto offer = whip::prepare_offer(request.role, request.offer);
  if (!offer) return fail(std::move(offer.error()));
  if (request.role == Role::play) {
    // A viewer of nothing is no member: it would make the room, and hold a place in it.
    const auto published = publications_.in_room(request.room);
    const bool any = std::any_of(published.begin(), published.end(), [&](const Publication* publication) {
      return publication->kind != PublicationKind::data &&
             (request.publisher.empty() || publication->peer.value == request.publisher);
    });
    if (!any) {
      return fail({404, request.publisher.empty() ? "nothing is being published in this room"
                                                  : "this peer publishes nothing in this room"});
    }
  }
  const auto opening = std::make_shared<Opening>();
  opening->request = std::move(request);
  opening->request.offer = {};
  opening->offer = std::move(*offer);
  opening->done = std::move(done);
  opening->peer = rooms_.connect(std::string(whip_dialect_name), opening->request.ip);
  Metadata metadata;
  if (!opening->request.token.empty()) {
    for (const std::string& key : options_.token_metadata_keys) metadata.set(key, quoted(opening->request.token));
  }
  rooms_.join(opening->peer, opening->request.room, metadata, now,
              [this, opening, alive = alive_](const JoinOutcome& outcome, TimePoint at) {
                if (*alive) joined(opening, outcome, at);
              });
  return opening->answered ? PeerId() : opening->peer;
}

void WhipSessions::cancel(const PeerId& peer) {
  if (!by_peer_.contains(peer)) rooms_.discard(peer);
}

void WhipSessions::joined(const std::shared_ptr<Opening>& opening, const JoinOutcome& outcome, TimePoint now) {
  opening->answered = true;
  if (!outcome) {
    rooms_.discard(opening->peer);  // there still only if the room was full
    opening->done(unexpected(refused(outcome.error(), !opening->request.token.empty())));
    return;
  }
  const bool publishes = opening->request.role == Role::publish;
  if (!rooms_.allows(opening->peer, publishes ? MemberAction::publish : MemberAction::subscribe)) {
    leave(opening->peer, LeaveCause::left);
    const bool had_token = !opening->request.token.empty();
    opening->done(
        unexpected(Failure{had_token ? 403 : 401, publishes ? "publishing is not allowed" : "watching is not allowed"}));
    return;
  }
  Session session;
  session.role = opening->request.role;
  session.peer = opening->peer;
  session.publisher = opening->request.publisher;
  for (const whip::OfferedLine& line : opening->offer.lines)
    (line.kind == MediaKind::audio ? session.audio : session.video) = true;
  auto answer = negotiate(*opening, session, now);
  unsupported_.erase(opening->peer);
  if (!answer) {
    leave(opening->peer, LeaveCause::left);
    opening->done(unexpected(std::move(answer.error())));
    return;
  }
  Created created{random_token(entropy_), opening->peer, std::move(*answer)};
  keep(created.id, std::move(session), now);
  opening->done(std::move(created));
}

Result<std::string, Failure> WhipSessions::negotiate(const Opening& opening, Session& session, TimePoint now) {
  // A viewer's subscriptions come first, so that the answer names the publisher's stream; a publisher's publications last,
  // so that nobody hears of one that comes to nothing.
  if (session.role == Role::play && !feed(session, now))
    return unexpected(Failure{404, "nothing of what the offer asks for is being published in this room"});
  const auto answer = media_.handle_offer(opening.peer, opening.offer.sdp, now);
  if (!answer) return unexpected(failed(answer.error()));
  if (auto whole = whip::check_answer(answer->sdp); !whole) return unexpected(std::move(whole.error()));
  if (session.role == Role::play && answer->ready.empty() && unsupported_.contains(opening.peer))
    return unexpected(Failure{422, "no codec of the offer is the publisher's"});
  if (session.role == Role::publish) {
    if (auto published = publish(opening, now); !published) return unexpected(std::move(published.error()));
  }
  return answer->sdp;
}

Result<void, Failure> WhipSessions::publish(const Opening& opening, TimePoint now) {
  for (const whip::OfferedLine& line : opening.offer.lines) {
    PublishRequest request;
    request.kind = line.kind == MediaKind::video ? PublicationKind::video : PublicationKind::audio;
    request.track_id = line.track;
    request.layers = line.rids;
    request.mid = line.mid;
    if (!publications_.publish(opening.peer, std::move(request), now)) return unexpected(Failure{503, "the room is gone"});
  }
  return {};
}

const Publication* WhipSessions::latest(const Session& session, PublicationKind kind) const {
  const Peer* peer = rooms_.find_peer(session.peer);
  if (peer == nullptr || !peer->room()) return nullptr;
  const auto published = publications_.in_room(*peer->room());
  const auto found = std::find_if(published.rbegin(), published.rend(), [&](const Publication* publication) {
    return publication->kind == kind && (session.publisher.empty() || publication->peer.value == session.publisher);
  });
  return found == published.rend() ? nullptr : *found;
}

bool WhipSessions::feed(const Session& session, TimePoint now) {
  bool has_some = false;
  for (const auto& [kind, wanted] :
       {std::pair(PublicationKind::audio, session.audio), std::pair(PublicationKind::video, session.video)}) {
    if (!wanted) continue;
    const auto subscribed = publications_.of_subscriber(session.peer);
    const bool fed = std::any_of(subscribed.begin(), subscribed.end(), [&, kind = kind](const Subscription* subscription) {
      const Publication* publication = publications_.find(subscription->producer);
      return publication != nullptr && publication->kind == kind;
    });
    if (!fed) {
      const Publication* publication = latest(session, kind);
      if (publication == nullptr) continue;
      if (!publications_.subscribe(session.peer, ProducerId(publication->id), now)) continue;
    }
    has_some = true;
  }
  return has_some;
}

void WhipSessions::keep(const std::string& id, Session session, TimePoint now) {
  const std::string record = encode(session.peer, session.role, session.audio, session.video, session.publisher);
  // Without room in the log the session lives, but does not survive this process.
  (void)log_.put(record_prefix + id, as_bytes(record));
  by_peer_.insert_or_assign(session.peer, id);
  if (!session.connected) {
    const TimePoint due = now + options_.connect_limit;
    connect_deadlines_.emplace(due, id);
    deadline_of_.insert_or_assign(id, due);
  }
  sessions_.insert_or_assign(id, std::move(session));
}

void WhipSessions::forget(const std::string& id) {
  log_.erase(record_prefix + id);
  if (const auto due = deadline_of_.find(id); due != deadline_of_.end()) {
    connect_deadlines_.erase({due->second, id});
    deadline_of_.erase(due);
  }
  const auto known = sessions_.find(id);
  if (known == sessions_.end()) return;
  by_peer_.erase(known->second.peer);
  hungry_.erase(known->second.peer);
  ending_.erase(known->second.peer);
  sessions_.erase(known);
}

void WhipSessions::leave(const PeerId& peer, LeaveCause cause) {
  const PeerId id = peer;  // the caller's may go with the session
  rooms_.leave(id, cause);
  rooms_.discard(id);  // who left by its own will is still there, in no room
}

bool WhipSessions::close(std::string_view id) {
  const auto known = sessions_.find(std::string(id));
  if (known == sessions_.end()) return false;
  leave(known->second.peer, LeaveCause::left);
  forget(std::string(id));  // already, unless its peer was in no room any more
  return true;
}

std::optional<PeerId> WhipSessions::peer_of(std::string_view id) const {
  const auto known = sessions_.find(std::string(id));
  if (known == sessions_.end()) return std::nullopt;
  return known->second.peer;
}

std::optional<MediaSignaling::IceSession> WhipSessions::ice(std::string_view id) const {
  const auto known = sessions_.find(std::string(id));
  return known == sessions_.end() ? std::nullopt : media_.ice_session(known->second.peer);
}

Result<MediaSignaling::IceSession, Failure> WhipSessions::restart_ice(std::string_view id, std::string_view ufrag,
                                                                      std::string_view pwd) {
  const auto known = sessions_.find(std::string(id));
  if (known == sessions_.end()) return unexpected(Failure{404, "there is no such session"});
  auto session = media_.restart_ice(known->second.peer, ufrag, pwd);
  if (!session) return unexpected(failed(session.error()));
  return std::move(*session);
}

bool WhipSessions::admit_patch(std::string_view id, TimePoint now) {
  const auto known = sessions_.find(std::string(id));
  if (known == sessions_.end()) return true;
  Session& session = known->second;
  if (now - session.patches_since >= std::chrono::minutes(1)) {
    session.patches_since = now;
    session.patches = 0;
  }
  if (++session.patches > options_.patches_per_minute_max) return false;
  if (guard_ == nullptr) return true;
  const PeerId peer = session.peer;  // the session may end by this
  return guard_->check(peer, {ClientRequest::sdp, 0, true, false}, now) == GuardVerdict::pass;
}

void WhipSessions::restored(TimePoint now) {
  std::vector<std::pair<std::string, Session>> found;
  std::vector<std::string> orphans;
  log_.for_each(record_prefix, [&](std::string_view key, Bytes value) {
    const std::string_view text = as_text(value);
    const std::size_t first = text.find('\n');
    const std::size_t second = first == std::string_view::npos ? first : text.find('\n', first + 1);
    if (first != 3 || second == std::string_view::npos) return orphans.emplace_back(key), void();
    Session session;
    session.role = text[0] == 'P' ? Role::publish : Role::play;
    session.audio = text[1] == 'a';
    session.video = text[2] == 'v';
    session.peer = PeerId(std::string(text.substr(first + 1, second - first - 1)));
    session.publisher = text.substr(second + 1);
    const Peer* peer = rooms_.find_peer(session.peer);
    if (peer == nullptr || peer->dialect() != whip_dialect_name || !peer->room()) return orphans.emplace_back(key), void();
    found.emplace_back(key.substr(record_prefix.size()), std::move(session));
  });
  for (const std::string& key : orphans) log_.erase(key);
  for (auto& [id, session] : found) {
    const PeerId peer = session.peer;
    if (session.role == Role::play) hungry_.insert(peer);
    keep(id, std::move(session), now);
    held_.reclaim(peer);
    rooms_.resume(peer);
  }
  // Who had joined, but was not yet told of its session, does not know it.
  std::vector<PeerId> lost;
  for (const auto& [id, peer] : rooms_.peers()) {
    if (peer->dialect() == whip_dialect_name && !by_peer_.contains(id)) lost.push_back(id);
  }
  for (const PeerId& peer : lost) leave(peer, LeaveCause::dropped);
}

void WhipSessions::handle_timeout(TimePoint now) {
  for (const PeerId& peer : std::exchange(ending_, {})) leave(peer, LeaveCause::dropped);
  while (!connect_deadlines_.empty() && connect_deadlines_.begin()->first <= now) {
    const std::string id = connect_deadlines_.begin()->second;
    leave(sessions_.at(id).peer, LeaveCause::dropped);
    forget(id);
  }
  for (const PeerId& peer : std::exchange(hungry_, {})) {
    if (const auto known = by_peer_.find(peer); known != by_peer_.end()) feed(sessions_.at(known->second), now);
  }
}

TimePoint WhipSessions::next_deadline() const {
  if (!hungry_.empty() || !ending_.empty()) return TimePoint{};
  return connect_deadlines_.empty() ? never : connect_deadlines_.begin()->first;
}

}  // namespace sluice
