// What the operator's program is told and asked.
#include <exception>
#include <utility>
#include <vector>

#include "control/embedding/server_state.hpp"

namespace sluice::rooms::detail {

using embedding::Notice;
using embedding::RpcClient;

namespace {

std::string sentence_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "An exception that is no std::exception.";
  }
}

/// What a peer's own handlers call it; nothing for what is no event of a peer.
std::string peer_event_of(const Notice& notice) {
  if (notice.name == "data" || notice.name == "offer" || notice.name == "answer" || notice.name == "ice-candidate")
    return "signal";
  if (notice.name == "peer:suspended" || notice.name == "peer:disconnected") return "disconnect";
  if (notice.name == "peer:reconnected") return "reconnected";
  if (notice.name == "join:rejected" || notice.name == "signal:blocked") return "error";
  return notice.name;
}

}  // namespace

Listener ServerState::add(Registrations& list, const std::string& owner, const std::string& event, Handler handler) {
  auto registration = std::make_shared<Registration>();
  registration->owner = owner;
  registration->handler = std::move(handler);
  const bool is_private =
      event == "data" || event == "offer" || event == "answer" || event == "ice-candidate" || event == "signal";
  {
    const std::lock_guard lock(lock_);
    if (over_) throw Error(ErrorCode::closed, "The server object was closed.");
    list.emplace(event, registration);
    const bool connected = client_.state() == RpcClient::State::ready || client_.state() == RpcClient::State::setting_up;
    if (is_private && !std::exchange(wants_private_, true) && connected) {
      client_.call("events.subscribe", {{"events", {"data", "offer", "answer", "ice-candidate"}}}, never,
                   [](const embedding::CallResult&) {});
    }
  }
  if (is_private && link_) link_->wake();
  return Listener([self = weak_from_this(), &list, event, registration] {
    registration->alive = false;
    const auto state = self.lock();
    if (state == nullptr) return;
    const std::lock_guard lock(state->lock_);
    const auto [from, to] = list.equal_range(event);
    for (auto at = from; at != to; ++at) {
      if (at->second != registration) continue;
      list.erase(at);
      return;
    }
  });
}

Listener ServerState::add_server_handler(const std::string& event, Handler handler) {
  return add(server_handlers_, {}, event, std::move(handler));
}
Listener ServerState::add_room_handler(const std::string& room, const std::string& event, Handler handler) {
  return add(room_handlers_, room, event, std::move(handler));
}
Listener ServerState::add_peer_handler(const std::string& peer, const std::string& event, Handler handler) {
  return add(peer_handlers_, peer, event, std::move(handler));
}

void ServerState::set_hook(const std::string& hook, HookHandler handler) {
  bool tells = false;
  {
    const std::lock_guard lock(lock_);
    const bool had = hooks_.erase(hook) != 0;
    const bool has = handler != nullptr;
    if (has) hooks_.emplace(hook, std::move(handler));
    tells = had != has && started_;
    const auto ignore = [](const embedding::CallResult&) {};
    if (tells) client_.call(has ? "hooks.register" : "hooks.unregister", {{"hooks", {hook}}}, never, ignore);
    // Admission is not skipped while we, or control, are being restarted.
    if (tells && hook == "beforeJoin") client_.call("hooks.require", {{"hook", hook}, {"required", has}}, never, ignore);
  }
  if (!tells) return;
  link_->wake();
  // Whoever comes from now on is asked about: the answer to this comes after the server has taken the others.
  if (!callbacks_->on_its_thread()) (void)call("rpc.ping", Json::object());
}

void ServerState::tell(Notice notice) {
  if (!callbacks_) return;
  callbacks_->post_event([self = weak_from_this(), notice = std::move(notice)] {
    if (const auto state = self.lock()) state->run_handlers(notice);
  });
}

void ServerState::run_handlers(const Notice& notice) {
  const Event event{notice.name, notice.data, notice.number};
  std::optional<Peer> peer;
  std::optional<Room> room;
  if (notice.peer) peer = Peer(shared_from_this(), notice.peer);
  if (notice.room) room = Room(shared_from_this(), notice.room);
  const Happening happening{event, peer ? &*peer : nullptr, room ? &*room : nullptr};
  run_list(server_handlers_, {}, notice.name, happening);
  if (notice.room) run_list(room_handlers_, notice.room->id, notice.name, happening);
  if (notice.peer) {
    const std::string name = peer_event_of(notice);
    if (name == "signal") {
      Event signal{"signal", notice.data, notice.number};
      signal.data["type"] = notice.name;
      if (const auto payload = signal.data.find("payload"); payload != signal.data.end()) signal.data["body"] = *payload;
      run_list(peer_handlers_, notice.peer->id, name, {signal, happening.peer, happening.room});
    } else {
      run_list(peer_handlers_, notice.peer->id, name, happening);
    }
  }
  // Nobody can hear of these any more.
  const bool ended_room = notice.name == "room:destroyed" && notice.room;
  const bool ended_peer = notice.name == "peer:disconnected" && notice.peer;
  if (!ended_room && !ended_peer) return;
  const std::lock_guard lock(lock_);
  if (ended_room) std::erase_if(room_handlers_, [&](const auto& entry) { return entry.second->owner == notice.room->id; });
  if (ended_peer) std::erase_if(peer_handlers_, [&](const auto& entry) { return entry.second->owner == notice.peer->id; });
}

void ServerState::run_list(const Registrations& list, const std::string& owner, const std::string& event,
                           const Happening& happening) {
  std::vector<std::shared_ptr<Registration>> due;
  {
    const std::lock_guard lock(lock_);
    const auto [from, to] = list.equal_range(event);
    for (auto at = from; at != to; ++at)
      if (at->second->owner == owner) due.push_back(at->second);
  }
  for (const auto& registration : due) {
    if (!registration->alive) continue;
    try {
      registration->handler(happening);
    } catch (...) {
      if (event != "error") report("A handler of '" + event + "' threw: " + sentence_of(std::current_exception()));
    }
  }
}

void ServerState::report(const std::string& message) {
  run_handlers({"error", {{"message", message}}, 0, nullptr, nullptr});
}

void ServerState::ask(RpcClient::Question question) {
  if (!callbacks_) return;
  callbacks_->post_question([self = weak_from_this(), question = std::move(question)] {
    const auto state = self.lock();
    if (state == nullptr) return;
    HookHandler handler;
    {
      const std::lock_guard lock(state->lock_);
      if (const auto found = state->hooks_.find(question.hook); found != state->hooks_.end()) handler = found->second;
    }
    std::optional<Json> answer;
    std::string problem = "Nobody answers this hook.";
    if (handler) {
      try {
        answer = handler(question.request);
      } catch (...) {
        problem = sentence_of(std::current_exception());
      }
    }
    {
      const std::lock_guard lock(state->lock_);
      if (answer) {
        state->client_.answer(question, std::move(*answer));
      } else {
        state->client_.refuse(question, problem);
      }
    }
    state->link_->wake();
  });
}

}  // namespace sluice::rooms::detail
