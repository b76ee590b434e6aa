#include "control/embedding/server_state.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <exception>
#include <filesystem>
#include <future>
#include <thread>
#include <utility>

#include "control/embedding/call_error.hpp"
#include "control/embedding/link_clock.hpp"
#include "control/embedding/option_tree.hpp"

namespace sluice::rooms::detail {

using embedding::CallResult;
using embedding::link_now;
using embedding::Notice;
using embedding::RpcClient;
using namespace std::chrono_literals;

namespace {

/// Events that a server sends only to who names them: what members say to each other.
constexpr std::array<const char*, 4> private_events{"data", "offer", "answer", "ice-candidate"};

}  // namespace

ServerState::ServerState(ServerOptions options)
    : options_(std::move(options)),
      client_({.on_event = [this](std::string name, Json data,
                                  std::uint64_t number) { tell(mirror_.apply(std::move(name), std::move(data), number)); },
               .on_events_dropped =
                   [this](std::uint64_t count) {
                     tell({"events:dropped", {{"count", count}}, 0, nullptr, nullptr});
                   },
               .on_question = [this](RpcClient::Question question) { ask(std::move(question)); }}) {
  if (options_.beforeJoin) set_hook("beforeJoin", embedding::hook_of(std::exchange(options_.beforeJoin, nullptr)));
}

ServerState::~ServerState() {
  let_go();
}

// --- start and end --------------------------------------------------------------------------------------------------------

void ServerState::listen() {
  std::unique_lock lock(lock_);
  if (over_) throw Error(ErrorCode::closed, "The server object was closed.");
  if (started_) return;
  prepare_place();
  started_ = true;
  callbacks_ = std::make_unique<embedding::CallbackQueue>();
  make_link();
  lock.unlock();
  link_->start();
  lock.lock();
  const bool decided =
      changed_.wait_for(lock, options_.startLimit + 5s, [this] { return listening_ || start_problem_.has_value(); });
  if (listening_) return;
  const std::string problem = decided ? *start_problem_ : "The server at " + options_.controlSocket + " does not answer.";
  lock.unlock();
  let_go();
  throw Error(ErrorCode::start_failed, problem);
}

void ServerState::prepare_place() {
  place_is_ours_ = options_.controlSocket.empty();
  if (!place_is_ours_) {
    options_.controlSocket = std::filesystem::absolute(options_.controlSocket).string();
    return;
  }
  const auto folder = embedding::make_private_folder();
  if (!folder) throw Error(ErrorCode::start_failed, folder.error());
  options_.controlSocket = (*folder / "control.sock").string();
}

bool ServerState::answers_already() const {
  sockaddr_un name{};
  if (place_is_ours_ || options_.controlSocket.size() >= sizeof(name.sun_path)) return false;
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, options_.controlSocket.c_str(), options_.controlSocket.size() + 1);
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return socket.valid() && ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&name), sizeof(name)) == 0;
}

void ServerState::make_link() {
  // The server is started on the link's thread, which lives as long as we follow it: a server without a name ends with it.
  const auto first = [this] {
    if (answers_already()) return;
    embedding::LaunchOrder order;
    order.program = options_.program;
    order.control_socket = options_.controlSocket;
    order.log_file = options_.logFile;
    order.ends_with_us = place_is_ours_;
    order.limit = options_.startLimit;
    {
      const std::lock_guard lock(lock_);
      order.configuration = configuration();
    }
    auto started = embedding::ServerProcess::start(order);
    const std::lock_guard lock(lock_);
    if (started) {
      process_.emplace(std::move(*started));
    } else {
      start_problem_ = started.error();
      changed_.notify_all();
    }
  };
  link_ = std::make_unique<embedding::ControlLink>(
      options_.controlSocket,
      embedding::ControlLink::Owner{lock_, client_, [this] { set_up_connection(); }, [this] { lost_connection(); }, first});
}

Json ServerState::configuration() const {
  Json tree = options_.configuration.is_object() ? options_.configuration : Json::object();
  tree.merge_patch({{"signaling", embedding::signaling_tree(options_)}});
  // Any port, but one port: a successor of control must listen where clients come back to.
  if (options_.port == 0) tree["signaling"]["port"] = embedding::find_free_port();
  for (const auto& [key, module] : modules_) tree.merge_patch({{key, module}});
  // Nobody gets in unasked before we are connected, or while control is being restarted.
  if (hooks_.contains("beforeJoin")) tree.merge_patch({{"control", {{"requiredHooks", {"beforeJoin"}}}}});
  return tree;
}

void ServerState::let_go() {
  {
    const std::lock_guard lock(lock_);
    over_ = true;
    client_.close();
    changed_.notify_all();
  }
  if (link_) link_->stop();
  if (callbacks_) callbacks_->stop();
  const std::lock_guard lock(lock_);
  server_handlers_.clear();
  room_handlers_.clear();
  peer_handlers_.clear();
  hooks_.clear();
  if (!place_is_ours_) return;
  // The end of the link's thread was the signal to end.
  if (process_) (void)process_->end(true, 10s);
  std::error_code ignored;
  if (!options_.controlSocket.empty())
    std::filesystem::remove_all(std::filesystem::path(options_.controlSocket).parent_path(), ignored);
}

void ServerState::close_server() {
  {
    const std::lock_guard lock(lock_);
    if (over_) return;
  }
  if (link_) {
    (void)call("server.drain", {{"deadline", 0}});
    std::unique_lock lock(lock_);
    // Its control process closes everybody's connection with 1001 and ends, and ours with it.
    const std::uint64_t now = connections_;
    changed_.wait_for(lock, 15s, [&] { return client_.state() == RpcClient::State::offline || connections_ != now; });
    if (process_) {
      auto process = std::move(*process_);
      process_.reset();
      lock.unlock();
      const bool ended = process.end(false, 15s) || process.end(true, 5s);
      if (!ended) throw Error(ErrorCode::timed_out, "The server was told to stop and has not ended yet.");
    } else {
      lock.unlock();
      // The supervisor holds the socket until all is over.
      for (int i = 0; i < 750 && answers_already(); ++i) std::this_thread::sleep_for(20ms);
    }
  }
  let_go();
}

// --- the connection -------------------------------------------------------------------------------------------------------

void ServerState::set_up_connection() {
  ++connections_;
  const TimePoint deadline = link_now() + 10s;
  const auto ignore = [](const CallResult&) {};
  client_.setup_call("events.subscribe", Json::object(), deadline, ignore);
  if (wants_private_) client_.setup_call("events.subscribe", {{"events", private_events}}, deadline, ignore);
  Json hooks = Json::array();
  for (const auto& [name, handler] : hooks_) hooks.push_back(name);
  if (!hooks.empty()) client_.setup_call("hooks.register", {{"hooks", std::move(hooks)}}, deadline, ignore);
  if (hooks_.contains("beforeJoin"))
    client_.setup_call("hooks.require", {{"hook", "beforeJoin"}, {"required", true}}, deadline, ignore);
  for (const auto& [key, options] : modules_) {
    // A successor of control may take its time; what it refuses is told then, too.
    client_.setup_call("modules.attach", {{"module", key}, {"options", options}}, never,
                       [this, name = key](const CallResult& answer) {
                         if (answer || answer.error().kind != embedding::CallFailure::Kind::answered) return;
                         const std::string message = "The module '" + name + "' is not attached: " + answer.error().message;
                         tell({"error", {{"message", message}, {"module", name}}, 0, nullptr, nullptr});
                       });
  }
  // Once we follow the server, we wait as long as the connection lives: the supervisor takes it while no control process
  // runs, and the next one reads what was sent. Asking again would only bring more of these long answers, each too late.
  client_.setup_call("server.snapshot", Json::object(), listening_ ? never : deadline, [this](const CallResult& snapshot) {
    if (snapshot) return took_snapshot(*snapshot);
    if (listening_ || client_.state() == RpcClient::State::offline || client_.state() == RpcClient::State::closed) return;
    start_problem_ = "The server at " + options_.controlSocket + " cannot be followed: " + snapshot.error().message;
    changed_.notify_all();
  });
}

void ServerState::took_snapshot(const Json& snapshot) {
  for (Notice& notice : mirror_.reconcile(snapshot)) tell(std::move(notice));
  if (const auto port = snapshot.find("port"); port != snapshot.end() && port->is_number_unsigned())
    port_ = port->get<std::uint16_t>();
  const bool first = !std::exchange(listening_, true);
  client_.set_up();
  tell({first ? "listening" : "connection:restored", {{"port", port_}}, 0, nullptr, nullptr});
  changed_.notify_all();
}

void ServerState::lost_connection() {
  changed_.notify_all();
  if (listening_ && !over_) tell({"connection:lost", Json::object(), 0, nullptr, nullptr});
}

Json ServerState::call(const std::string& method, Json params) {
  return call_and(method, std::move(params), [] {});
}

Json ServerState::call_and(const std::string& method, Json params, std::function<void()> done) {
  auto promise = std::make_shared<std::promise<CallResult>>();
  std::future<CallResult> future = promise->get_future();
  {
    const std::lock_guard lock(lock_);
    if (!started_) throw Error(ErrorCode::unavailable, "The server does not run yet: listen() first.");
    client_.call(method, std::move(params), link_now() + options_.callLimit,
                 [promise, done = std::move(done)](const CallResult& result) {
                   if (result) done();
                   promise->set_value(result);
                 });
  }
  link_->wake();
  CallResult result = future.get();
  if (!result) throw embedding::error_of(result.error());
  return std::move(*result);
}

void ServerState::attach_module(const std::string& key, Json options) {
  {
    const std::lock_guard lock(lock_);
    if (modules_.contains(key)) return;
    if (!started_) {
      modules_.emplace(key, std::move(options));
      return;
    }
  }
  Json params{{"module", key}, {"options", options}};
  (void)call_and("modules.attach", std::move(params), [this, &key, &options] { modules_.emplace(key, options); });
}

// --- what is known --------------------------------------------------------------------------------------------------------

std::uint16_t ServerState::port() const {
  const std::lock_guard lock(lock_);
  return port_;
}

std::vector<Room> ServerState::rooms() {
  const std::lock_guard lock(lock_);
  std::vector<Room> result;
  for (const auto& [id, record] : mirror_.rooms()) result.push_back(Room(shared_from_this(), record));
  return result;
}

std::vector<Peer> ServerState::peers() {
  const std::lock_guard lock(lock_);
  std::vector<Peer> result;
  for (const auto& [id, record] : mirror_.peers()) result.push_back(Peer(shared_from_this(), record));
  return result;
}

std::optional<Room> ServerState::room(const std::string& id) {
  const std::lock_guard lock(lock_);
  const auto record = mirror_.room(id);
  if (record == nullptr) return std::nullopt;
  return Room(shared_from_this(), record);
}

std::optional<Peer> ServerState::peer(const std::string& id) {
  const std::lock_guard lock(lock_);
  const auto record = mirror_.peer(id);
  if (record == nullptr) return std::nullopt;
  return Peer(shared_from_this(), record);
}

std::vector<Peer> ServerState::members(const RoomRecord& room) {
  const std::lock_guard lock(lock_);
  std::vector<Peer> result;
  for (const std::string& id : room.members) {
    if (const auto record = mirror_.peer(id)) result.push_back(Peer(shared_from_this(), record));
  }
  return result;
}

Room ServerState::take_room(const Json& summary) {
  const std::lock_guard lock(lock_);
  const auto record = mirror_.take_room(summary);
  if (record == nullptr) throw Error(ErrorCode::internal, "The server answered without a room.");
  return Room(shared_from_this(), record);
}

}  // namespace sluice::rooms::detail
