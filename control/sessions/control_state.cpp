#include "control/sessions/control_state.hpp"

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>
#include <utility>

namespace sluice {
namespace {

std::string room_key(const RoomId& room) {
  return "core/room/" + room.value;
}
std::string peer_key(const PeerId& peer) {
  return "core/peer/" + peer.value;
}
std::string token_key(const PeerId& peer) {
  return "core/token/" + peer.value;
}
/// Numbers of one length, so that the log's order is that of the queue.
std::string queue_key(const PeerId& peer, std::size_t index) {
  const std::string number = std::to_string(index);
  return "core/queue/" + peer.value + "/" + std::string(6 - std::min<std::size_t>(6, number.size()), '0') + number;
}
std::string producer_key(const ProducerId& producer) {
  return "core/prod/" + producer.value;
}
std::string consumer_key(const ConsumerId& consumer) {
  return "core/cons/" + consumer.value;
}

/// All records under a prefix, decoded; keys whose record is damaged go to `orphans`.
template <typename Record>
std::vector<std::pair<std::string, Record>> read_all(const StateLog& log, std::string_view prefix,
                                                     std::optional<Record> (*decode)(Bytes),
                                                     std::vector<std::string>& orphans) {
  std::vector<std::pair<std::string, Record>> records;
  log.for_each(prefix, [&](std::string_view key, Bytes value) {
    if (auto record = decode(value)) {
      records.emplace_back(key, std::move(*record));
    } else {
      orphans.emplace_back(key);
    }
  });
  return records;
}

}  // namespace

ControlState::ControlState(Rooms& rooms, Publications* publications, Sessions& sessions, Bus& bus, StateLog& log)
    : rooms_(rooms), publications_(publications), sessions_(sessions), bus_(bus), log_(log) {
  follow(bus);
  sessions_.on_tokens_changed([this](const PeerId& peer, const Sessions::Tokens* tokens) {
    if (tokens != nullptr) {
      put(token_key(peer), encode(*tokens));
    } else {
      log_.erase(token_key(peer));
    }
  });
  sessions_.on_queue_changed([this](const PeerId& peer, std::size_t index, const std::string* text) {
    if (text == nullptr) {
      for (std::size_t i = 0; i < index; ++i) forget_queued(queue_key(peer, i));
    } else if (text->size() <= queued_text_max && queued_bytes_ + text->size() <= queued_bytes_max) {
      // Room for those who are there matters more than messages for those who are not.
      queued_bytes_ += text->size();
      put(queue_key(peer, index), *text);
    } else {
      ++queued_unwritten_;
    }
  });
}

ControlState::~ControlState() {
  sessions_.on_queue_changed(nullptr);
  sessions_.on_tokens_changed(nullptr);
}

void ControlState::follow(Bus& bus) {
  const auto on = [&]<typename Fact>(auto react) { subscriptions_.push_back(bus.subscribe<Fact>(react)); };
  on.template operator()<RoomCreated>([this](const RoomCreated& fact) { write_room(fact.room); });
  on.template operator()<RoomMetadataChanged>([this](const RoomMetadataChanged& fact) { write_room(fact.room); });
  on.template operator()<RoomCapacityChanged>([this](const RoomCapacityChanged& fact) { write_room(fact.room); });
  on.template operator()<RoomDestroyed>([this](const RoomDestroyed& fact) { log_.erase(room_key(fact.room)); });
  on.template operator()<PeerJoined>([this](const PeerJoined& fact) {
    write_room(fact.room);  // it is visited now
    write_member(fact.peer.id);
  });
  on.template operator()<PeerLeft>([this](const PeerLeft& fact) { log_.erase(peer_key(fact.peer.id)); });
  on.template operator()<PeerMetadataChanged>([this](const PeerMetadataChanged& fact) { write_member(fact.peer); });
  on.template operator()<PeerRestricted>([this](const PeerRestricted& fact) { write_member(fact.peer); });
  on.template operator()<PublicationStarted>([this](const PublicationStarted& fact) { write_publication(fact.producer); });
  on.template operator()<PublicationPaused>([this](const PublicationPaused& fact) { write_publication(fact.producer); });
  on.template operator()<PublicationResumed>([this](const PublicationResumed& fact) { write_publication(fact.producer); });
  on.template operator()<PublicationEnded>(
      [this](const PublicationEnded& fact) { log_.erase(producer_key(fact.producer)); });
  on.template operator()<SubscriptionStarted>(
      [this](const SubscriptionStarted& fact) { write_subscription(fact.consumer); });
  on.template operator()<SubscriptionPaused>([this](const SubscriptionPaused& fact) { write_subscription(fact.consumer); });
  on.template operator()<SubscriptionResumed>(
      [this](const SubscriptionResumed& fact) { write_subscription(fact.consumer); });
  on.template operator()<SubscriptionLayerSelected>(
      [this](const SubscriptionLayerSelected& fact) { write_subscription(fact.consumer); });
  on.template operator()<SubscriptionEnded>(
      [this](const SubscriptionEnded& fact) { log_.erase(consumer_key(fact.consumer)); });
}

void ControlState::forget_queued(const std::string& key) {
  const auto text = log_.get(key);
  if (!text) return;
  queued_bytes_ -= std::min(queued_bytes_, text->size());
  log_.erase(key);
}

void ControlState::put(const std::string& key, const std::string& value) {
  if (!log_.put(key, as_bytes(value))) ++failed_writes_;
}

void ControlState::write_room(const RoomId& room) {
  const Room* found = rooms_.find_room(room);
  if (found == nullptr) return;
  put(room_key(room), encode(RoomRecord{room, found->metadata(), found->capacity(), found->created_at(), found->visited()}));
}

void ControlState::write_member(const PeerId& peer) {
  const Peer* found = rooms_.find_peer(peer);
  if (found == nullptr || !found->room()) return;
  put(peer_key(peer),
      encode(MemberRecord{peer, *found->room(), found->metadata(), found->dialect(), found->ip(), found->join_number(),
                          found->restrictions()}));
}

void ControlState::write_publication(const ProducerId& producer) {
  if (publications_ == nullptr) return;
  if (const Publication* found = publications_->find(producer)) put(producer_key(producer), encode(*found));
}

void ControlState::write_subscription(const ConsumerId& consumer) {
  if (publications_ == nullptr) return;
  if (const Subscription* found = publications_->find(consumer)) put(consumer_key(consumer), encode(*found));
}

std::size_t ControlState::restore(TimePoint now) {
  std::vector<std::string> orphans;
  auto rooms = read_all(log_, "core/room/", decode_room, orphans);
  auto members = read_all(log_, "core/peer/", decode_member, orphans);
  auto tokens = read_all(log_, "core/token/", decode_tokens, orphans);
  auto publications = read_all(log_, "core/prod/", decode_publication, orphans);
  auto subscriptions = read_all(log_, "core/cons/", decode_subscription, orphans);

  // The log is in order of keys; members and publications go back in the order of their joining and starting.
  std::sort(members.begin(), members.end(),
            [](const auto& a, const auto& b) { return a.second.join_number < b.second.join_number; });
  const auto by_number = [](const auto& a, const auto& b) { return a.second.number < b.second.number; };
  std::sort(publications.begin(), publications.end(), by_number);
  std::sort(subscriptions.begin(), subscriptions.end(), by_number);

  for (auto& [key, room] : rooms) {
    rooms_.restore_room(room.id, std::move(room.metadata), static_cast<std::size_t>(room.capacity), room.created_at,
                        room.visited);
  }
  std::size_t restored = 0;
  for (auto& [key, member] : members) {
    const PeerSnapshot peer{member.id, member.room, PeerState::reconnecting, std::move(member.metadata)};
    if (!rooms_.restore_member(peer, member.dialect, member.ip, member.join_number, member.restrictions)) {
      orphans.push_back(key);
      continue;
    }
    ++restored;
    const std::string own_token_key = token_key(member.id);
    const auto own = std::lower_bound(tokens.begin(), tokens.end(), own_token_key,
                                      [](const auto& token, const std::string& wanted) { return token.first < wanted; });
    const bool has_own = own != tokens.end() && own->first == own_token_key;
    std::vector<SharedText> queue;
    log_.for_each("core/queue/" + member.id.value + "/", [&](std::string_view, Bytes text) {
      queued_bytes_ += text.size();
      queue.push_back(std::make_shared<const std::string>(as_text(text)));
    });
    sessions_.restore(member.id, has_own ? own->second : Sessions::Tokens{}, std::move(queue), now);
  }
  for (const auto& [key, token] : tokens) {
    if (rooms_.find_peer(PeerId(key.substr(std::string_view("core/token/").size()))) == nullptr) orphans.push_back(key);
  }
  constexpr std::string_view queues = "core/queue/";
  log_.for_each(queues, [&](std::string_view key, Bytes) {
    const std::string_view peer = key.substr(queues.size(), key.rfind('/') - std::min(key.rfind('/'), queues.size()));
    if (rooms_.find_peer(PeerId(std::string(peer))) == nullptr) orphans.emplace_back(key);
  });
  for (auto& [key, publication] : publications) {
    if (publications_ == nullptr || !publications_->restore(std::move(publication))) orphans.push_back(key);
  }
  for (auto& [key, subscription] : subscriptions) {
    if (publications_ == nullptr || !publications_->restore(std::move(subscription))) orphans.push_back(key);
  }
  // A room whose last member's leaving was the last thing that the predecessor wrote.
  for (const auto& [key, room] : rooms) {
    const Room* found = rooms_.find_room(room.id);
    if (found != nullptr && found->visited() && found->members().empty() && rooms_.options().auto_destroy_rooms) {
      rooms_.forget_restored_room(room.id);
      orphans.push_back(key);
    }
  }
  for (const std::string& key : orphans) log_.erase(key);
  bus_.publish(RoomsRestored{});
  return restored;
}

std::size_t adopt_sessions(StateLog& log, std::span<const RoomRecord> rooms, std::span<const SessionRow> sessions) {
  bool lived = false;
  log.for_each("core/", [&](std::string_view, Bytes) { lived = true; });
  if (lived) return 0;
  std::size_t adopted = 0;
  std::set<RoomId> known;
  for (const RoomRecord& room : rooms) {
    const bool wanted =
        std::any_of(sessions.begin(), sessions.end(), [&](const SessionRow& row) { return row.member.room == room.id; });
    if (wanted && log.put(room_key(room.id), as_bytes(encode(room)))) known.insert(room.id);
  }
  for (const SessionRow& row : sessions) {
    if (!known.contains(row.member.room)) continue;
    if (!log.put(peer_key(row.member.id), as_bytes(encode(row.member)))) continue;
    if (!log.put(token_key(row.member.id), as_bytes(encode(row.tokens)))) continue;
    ++adopted;
  }
  return adopted;
}

}  // namespace sluice
