#include "sluice/sfu.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "control/embedding/answer_parts.hpp"
#include "control/embedding/optional_members.hpp"
#include "sluice/server.hpp"

namespace sluice::rooms {

using embedding::list_in;
using embedding::put;

namespace {

Json tree_of(const NativeSFUEngineOptions& options) {
  Json tree = Json::object();
  put(tree, "region", options.region);
  put(tree, "maxRoomsPerWorker", options.maxRoomsPerWorker);
  put(tree, "numWorkers", options.numWorkers);
  put(tree, "listenIp", options.listenIp);
  put(tree, "announcedIp", options.announcedIp);
  put(tree, "rtcMinPort", options.rtcMinPort);
  put(tree, "rtcMaxPort", options.rtcMaxPort);
  put(tree, "enableSimulcast", options.enableSimulcast);
  put(tree, "enableDtx", options.enableDtx);
  return tree;
}

Json tree_of(const AdaptiveBitrateControllerOptions& options) {
  Json tree = Json::object();
  put(tree, "upgradeHoldMs", options.upgradeHoldMs);
  put(tree, "decayIntervalMs", options.decayIntervalMs);
  put(tree, "mobileFirst", options.mobileFirst);
  put(tree, "protectActiveSpeaker", options.protectActiveSpeaker);
  put(tree, "protectScreenShare", options.protectScreenShare);
  return tree;
}

Json room_filter(const std::optional<std::string>& roomId) {
  Json params = Json::object();
  put(params, "roomId", roomId);
  return params;
}

}  // namespace

NativeSFUEngine::NativeSFUEngine(const NativeSFUEngineOptions& options) : Module("nativeSfu", tree_of(options)) {}
void NativeSFUEngine::healthCheck() const {
  const std::vector<Json> workers = list_in(ask("workers.list"), "workers");
  const bool alive = std::any_of(workers.begin(), workers.end(),
                                 [](const Json& worker) { return embedding::number_in(worker, "pid") != 0; });
  if (!alive) throw Error(ErrorCode::unavailable, "No media worker is alive.");
}
Json NativeSFUEngine::stats() const {
  return ask("sfu.stats");
}
std::vector<Json> NativeSFUEngine::producers(const std::optional<std::string>& roomId) const {
  return list_in(ask("sfu.producers", room_filter(roomId)), "producers");
}
std::vector<Json> NativeSFUEngine::consumers(const std::optional<std::string>& roomId) const {
  return list_in(ask("sfu.consumers", room_filter(roomId)), "consumers");
}

AdaptiveBitrateController::AdaptiveBitrateController(const AdaptiveBitrateControllerOptions& options)
    : Module("adaptiveBitrate", tree_of(options)) {}
void AdaptiveBitrateController::setActiveSpeaker(const std::string& producerId) const {
  (void)ask("abr.setActiveSpeaker", {{"producerId", producerId}});
}
void AdaptiveBitrateController::clearActiveSpeaker(const std::string& producerId) const {
  (void)ask("abr.clearActiveSpeaker", {{"producerId", producerId}});
}
void AdaptiveBitrateController::markScreenShare(const std::string& producerId, bool screenShare) const {
  (void)ask("abr.markScreenShare", {{"producerId", producerId}, {"screenShare", screenShare}});
}
bool AdaptiveBitrateController::forceLayer(const std::string& consumerId, const std::string& layer) const {
  return embedding::done([&] { return ask("abr.forceLayer", {{"consumerId", consumerId}, {"layer", layer}}); });
}
std::vector<Json> AdaptiveBitrateController::stats() const {
  return list_in(ask("abr.stats"), "consumers");
}

// --- SFUInterface ---------------------------------------------------------------------------------------------------------

struct SFUInterface::Following {
  /// What a handler passes on its way to the SFU. Closing it waits for the handler that runs; recursive: that one may close
  /// it.
  struct Gate {
    std::recursive_mutex lock;
    bool open = true;

    template <typename Work>
    void pass(Work&& work) {
      const std::lock_guard inside(lock);
      if (open) work();
    }
  };

  std::shared_ptr<Gate> gate;  // of the last attach()
  std::mutex lock;
  std::multimap<std::string, std::function<void(const Json&)>> handlers;
  std::vector<Listener> listeners;
  const SignalingServer* server = nullptr;
  bool initialized = false;
  std::set<std::string> rooms;                          // that the SFU was told of
  std::set<std::pair<std::string, std::string>> peers;  // room and peer

  void tell(const std::string& event, const Json& data) {
    std::vector<std::function<void(const Json&)>> due;
    {
      const std::lock_guard guard(lock);
      const auto [from, to] = handlers.equal_range(event);
      for (auto at = from; at != to; ++at) due.push_back(at->second);
    }
    for (const auto& handler : due) handler(data);
  }
  template <typename Work>
  void guarded(Work&& work) {
    try {
      work();
    } catch (const std::exception& error) {
      tell("error", {{"message", error.what()}});
    }
  }
  void add_room(SFUInterface& sfu, const std::string& room) {
    {
      const std::lock_guard guard(lock);
      if (!rooms.insert(room).second) return;
    }
    guarded([&] {
      sfu.createRoom(room);
      tell("sfu:room:created", {{"roomId", room}});
    });
  }
  void add_peer(SFUInterface& sfu, const Room& room, const Peer& peer) {
    add_room(sfu, room.id());
    {
      const std::lock_guard guard(lock);
      if (!peers.emplace(room.id(), peer.id()).second) return;
    }
    guarded([&] {
      Json message = sfu.createPeerTransports(room.id(), peer.id());
      message["type"] = "sfu:transport:created";
      peer.send(message);
      tell("sfu:peer:joined", {{"roomId", room.id()}, {"peerId", peer.id()}});
    });
  }
  void remove_peer(SFUInterface& sfu, const Room& room, const Peer& peer) {
    {
      const std::lock_guard guard(lock);
      if (peers.erase({room.id(), peer.id()}) == 0) return;
    }
    guarded([&] {
      sfu.closePeerTransports(room.id(), peer.id());
      tell("sfu:peer:left", {{"roomId", room.id()}, {"peerId", peer.id()}});
    });
  }
  void remove_room(SFUInterface& sfu, const std::string& room) {
    {
      const std::lock_guard guard(lock);
      if (rooms.erase(room) == 0) return;
    }
    guarded([&] {
      sfu.closeRoom(room);
      tell("sfu:room:closed", {{"roomId", room}});
    });
  }
};

SFUInterface::SFUInterface() : following_(std::make_unique<Following>()) {}
SFUInterface::~SFUInterface() {
  detach();
}

void SFUInterface::attach(SignalingServer& server) {
  if (following_->server == &server) return;
  if (following_->server != nullptr) throw Error(ErrorCode::refused, "The SFU is attached to another server.");
  if (!std::exchange(following_->initialized, true)) init();
  following_->server = &server;
  const auto gate = std::make_shared<Following::Gate>();
  following_->gate = gate;
  gate->pass([&] {
    auto& listeners = following_->listeners;
    listeners.push_back(server.on(
        "room:created", [this, gate](const Room& room) { gate->pass([&] { following_->add_room(*this, room.id()); }); }));
    listeners.push_back(server.on("room:destroyed", [this, gate](const Room& room) {
      gate->pass([&] { following_->remove_room(*this, room.id()); });
    }));
    listeners.push_back(server.on("peer:joined", [this, gate](const Peer& peer, const Room& room) {
      gate->pass([&] { following_->add_peer(*this, room, peer); });
    }));
    listeners.push_back(server.on("peer:left", [this, gate](const Peer& peer, const Room& room) {
      gate->pass([&] { following_->remove_peer(*this, room, peer); });
    }));
  });
  for (const Room& room : server.rooms()) {
    following_->add_room(*this, room.id());
    for (const Peer& peer : room.peers()) following_->add_peer(*this, room, peer);
  }
}

void SFUInterface::detach() {
  const auto gate = following_->gate;
  if (gate == nullptr) return;
  gate->pass([&] {
    gate->open = false;
    for (Listener& listener : following_->listeners) listener.cancel();
    following_->listeners.clear();
    following_->server = nullptr;
  });
}

bool SFUInterface::hasCapability(std::string_view wanted) const {
  const std::vector<std::string> all = capabilities();
  return std::find(all.begin(), all.end(), wanted) != all.end();
}

void SFUInterface::on(const std::string& event, std::function<void(const Json&)> handler) {
  const std::lock_guard guard(following_->lock);
  following_->handlers.emplace(event, std::move(handler));
}

}  // namespace sluice::rooms
