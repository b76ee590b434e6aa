#include "control/app/control_server.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <thread>

#include "control/api/core_operations.hpp"
#include "control/api/event_feed.hpp"
#include "control/api/operations.hpp"
#include "control/app/admin_listener.hpp"
#include "control/app/api_features.hpp"
#include "control/app/dialect_features.hpp"
#include "control/app/dialect_listener.hpp"
#include "control/app/draining.hpp"
#include "control/app/fact_log.hpp"
#include "control/app/feature_context.hpp"
#include "control/app/handed_over.hpp"
#include "control/app/module_attachment.hpp"
#include "control/app/observability_features.hpp"
#include "control/app/policy_features.hpp"
#include "control/app/security_features.hpp"
#include "control/app/server_options.hpp"
#include "control/bus/bus.hpp"
#include "control/host/ready_line.hpp"
#include "control/loop/clock.hpp"
#include "control/loop/event_loop.hpp"
#include "control/loop/web_server.hpp"
#include "control/media/media.hpp"
#include "control/observability/log.hpp"
#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"
#include "control/sessions/control_state.hpp"
#include "control/sessions/sessions.hpp"
#include "control/signaling/native/native_dialect.hpp"
#include "control/signaling/native/sfu_signaling.hpp"
#include "control/store/sqlite/sqlite_store.hpp"
#include "control/store/state_log_store.hpp"
#include "control/workers/workers.hpp"

namespace sluice::app {

using namespace std::chrono_literals;

namespace {

constexpr Duration heartbeat_period = 100ms;
/// How long a clean stop waits for clients to take their close frames.
constexpr Duration goodbye_limit = 800ms;
/// Workers beat within milliseconds of their start; a server without them serves signaling and says so.
constexpr Duration worker_start_limit = 5s;

std::int64_t unix_time(TimePoint at) {
  const Duration ago = loop::now() - at;
  return loop::unix_ms() - std::chrono::duration_cast<std::chrono::milliseconds>(ago).count();
}

}  // namespace

struct ControlServer::Impl {
  Impl(const config::ServerConfig& server_config, const ControlArguments& arguments, DescriptorSet descriptors);
  ~Impl() { over = true; }
  /// Attaches the workers; without `nativeSfu` they get nothing to do.
  std::unique_ptr<Media> make_media(const ControlArguments& arguments, DescriptorSet& descriptors);
  std::unique_ptr<Store> make_store(DescriptorSet& descriptors);
  void add_features();
  /// All of /metrics.
  void write_metrics(PrometheusText& out);
  void reload();
  /// What may change while it runs.
  void take_over(const config::ServerConfig& next);
  void turn();
  void beat();
  void say_ready_when_workers_are();
  void stop();
  [[nodiscard]] std::vector<WorkerView> worker_views();

  StateLog state_log;
  config::ServerConfig config;
  loop::EventLoop loop;
  SystemEntropy entropy;
  std::vector<std::unique_ptr<loop::EventLoop::Watch>> watches;
  Descriptor store_folder;
  Descriptor audit_folder;
  SqliteStore* disk = nullptr;  // the store, if it is on a disk
  std::unique_ptr<Store> store;
  Bus bus;
  Troubles troubles{bus, loop::unix_ms};
  // The order below is the order in which they hear of facts: first the token, then the durable record, then media, then
  // what clients are told.
  Rooms rooms;
  std::unique_ptr<Publications> publications;
  Sessions sessions;
  ControlState control_state;
  workers::Workers workers;
  Doorbell bell;
  Doorbell ready;  // towards the supervisor; of an older one it is missing
  PulseSegment pulse;
  std::unique_ptr<Media> media;
  Bus::Subscription media_decided;
  Draining draining;
  loop::WebServer web;
  loop::Routes routes;  // of the dialects; what they do not claim is the native protocol's, or the page's
  DialectListener listener;
  NativeDialect native;
  std::optional<SfuSignaling> sfu;
  RoomMetrics metrics;
  ConnectionTimes connection_times;
  Operations operations;
  EventFeed events;
  HttpClient http;
  Hooks hooks;
  Descriptor reloaded_config;  // where the supervisor puts what it read on SIGHUP
  Reconfiguration reconfiguration;
  std::vector<Collector> collectors;
  Descriptor control_listener;
  loop::Routes admin_routes;  // the dashboard, then the admin API
  std::unique_ptr<FeatureContext> context;
  Features features;
  std::optional<AdminListener> admin;
  std::optional<FactLog> fact_log;
  std::unique_ptr<loop::EventLoop::Timer> deadline;
  std::unique_ptr<loop::EventLoop::Timer> stop_timer;
  std::unique_ptr<loop::EventLoop::Timer> ready_timer;
  TimePoint started = loop::now();
  std::uint16_t signaling_port = 0;
  std::uint16_t admin_port = 0;
  bool stopping = false;
  bool over = false;     // members are being destroyed: the web server turns the loop while it goes
  bool drained = false;  // the server ends because it is empty, or its time is up
};

ControlServer::Impl::Impl(const config::ServerConfig& server_config, const ControlArguments& arguments,
                          DescriptorSet descriptors)
    : state_log(open_state_log(descriptors)),
      config(with_attached_modules(server_config, state_log)),
      store(make_store(descriptors)),
      rooms(bus, entropy, signaling_options(config.signaling).rooms(), unix_time),
      publications(config.native_sfu.enabled
                       ? std::make_unique<Publications>(rooms, bus, entropy, sfu_options(config).publications(), unix_time)
                       : nullptr),
      sessions(rooms, bus, entropy, session_options(config)),
      control_state(rooms, publications.get(), sessions, bus, state_log),
      workers(state_log, config.native_sfu.max_rooms_per_worker),
      bell(required(descriptors, "doorbell.control")),
      ready(descriptors.take("ready")),
      pulse(open_pulse(descriptors)),
      media(make_media(arguments, descriptors)),
      draining(rooms, workers, media.get(), state_log, loop::now),
      web(loop),
      listener(web, loop::now),
      native(rooms, sessions, bus, listener, native_options(config)),
      metrics(bus, rooms, loop::now,
              [this] {
                return control_state.failed_writes() + workers.store_failures() + (media ? media->store_failures() : 0);
              }),
      connection_times(bus, rooms, loop::unix_ms),
      http(loop),
      hooks({.now = loop::now}),
      reloaded_config(descriptors.take("config.reload")),
      reconfiguration(config, attached_modules(state_log), events, std::thread::hardware_concurrency(),
                      [this](const config::ServerConfig& next) { take_over(next); }) {
  control_listener = descriptors.take("control-socket");
  listener.attach(native);
  if (publications) {
    sfu.emplace(rooms, *publications, *media, native.outbox(), bus, sfu_options(config));
    native.attach_sfu(*sfu);
  }
  add_features();
  fact_log.emplace(bus);
  const std::size_t members = control_state.restore(loop::now());
  if (media) {
    media->keep_only(
        {[this](const PeerId& id) { return rooms.find_peer(id) != nullptr; },
         [this](const ProducerId& id) { return publications->find(id) != nullptr; },
         [this](const ConsumerId& id) { return publications->find(id) != nullptr; },
         [this](const PeerId& id) {
           const Peer* peer = rooms.find_peer(id);
           return peer != nullptr ? peer->restrictions() : Restrictions{};
         },
         [this](const PeerId& id, const Media::NewerPolicy& newer) {
           log::error("a decision about a member was lost with an earlier control process; what it closed stays closed",
                      {{"peer", id.value}, {"epoch", newer.epoch}});
           rooms.distrust_media(id, newer.epoch, newer.send_closed, newer.receive_closed);
         }});
    // Before anybody is told that a member was muted, put out of its rights or let in again, the worker has it in its ring.
    media_decided = bus.subscribe<PeerRestricted>([this](const PeerRestricted&) { workers.push(loop::now()); });
  }
  for (const auto& feature : features) feature->restored(loop::now());
  if (members > 0) log::info("restored", {{"rooms", rooms.rooms().size()}, {"peers", members}});

  for (const auto& entry : workers.ids())
    workers.link(entry)->shared().control_heartbeat.restart(static_cast<std::uint32_t>(getpid()));
  pulse->heartbeat.restart(static_cast<std::uint32_t>(getpid()));
  watches.push_back(loop.every(heartbeat_period, [this] { beat(); }));
  watches.push_back(loop.readable(bell.fd(), [this] { turn(); }));
  watches.push_back(loop.after_io([this] { turn(); }));
  watches.push_back(loop.signal(SIGTERM, [this] {
    const std::uint32_t patience = config.drain.on_sigterm;
    if (patience == 0 || draining.draining().draining) return stop();
    draining.drain_server(std::chrono::seconds(patience), false);
    deadline->arm(loop::now());
  }));
  watches.push_back(loop.signal(SIGINT, [this] { stop(); }));
  watches.push_back(loop.signal(SIGHUP, [this] { reload(); }));
  deadline = loop.timer([this] {
    sessions.handle_timeout(loop::now());
    turn();
  });
  stop_timer = loop.timer([this] { loop.stop(); });
  ready_timer = loop.timer([this] { say_ready_when_workers_are(); });

  loop::ListenerConfig signaling = signaling_listener(config.signaling, routes, listener);
  signaling.limit_exempt = config.security.limit_exempt;
  signaling.body_bytes_max = std::max(signaling.body_bytes_max, config.dialects.socketio.max_payload_bytes);
  signaling_port = web.listen(std::move(signaling));
  if (config.admin_api.enabled) {
    admin.emplace(
        operations, [this](PrometheusText& out) { write_metrics(out); }, config.admin_api, bus, admin_routes, web);
    admin_port = admin->port();
  }
  beat();
}

std::unique_ptr<Store> ControlServer::Impl::make_store(DescriptorSet& descriptors) {
  store_folder = descriptors.take("folder.store");
  audit_folder = descriptors.take("folder.audit");
  if (!config.security.store.on_disk) return std::make_unique<StateLogStore>(state_log);
  if (!store_folder.valid()) {
    log::error("no folder for lasting state: it will not outlive this server", {{"store.path", config.security.store.path}});
    return std::make_unique<StateLogStore>(state_log);
  }
  SqliteStoreOptions options;
  options.path = "/proc/self/fd/" + std::to_string(store_folder.get()) + "/sluice.db";
  auto made = std::make_unique<SqliteStore>(options, state_log);
  made->on_health_changed([this](const std::string& problem) {
    bus.publish(PartTroubled{"store", problem.empty() ? "" : "lasting state cannot be written: " + problem});
    if (problem.empty()) return log::info("lasting state is written again");
    log::error("lasting state cannot be written; calls go on", {{"reason", problem}});
  });
  disk = made.get();
  watches.push_back(loop.readable(made->fd(), [this] { disk->drain(); }));
  return made;
}

std::unique_ptr<Media> ControlServer::Impl::make_media(const ControlArguments& arguments, DescriptorSet& descriptors) {
  for (std::uint16_t i = 0; i < arguments.workers; ++i) {
    const std::string index = std::to_string(i);
    auto segment = SharedSegment::attach(required(descriptors, "shared." + index).get());
    if (!segment)
      throw std::runtime_error("The segment of worker " + index + " cannot be used: " + segment.error().to_string() + ".");
    workers::WorkerChannel channel{std::move(*segment), Doorbell(required(descriptors, "doorbell.worker." + index)),
                                   Doorbell(Descriptor(dup(bell.fd())))};
    workers.attach({WorkerId{i}, announced_addresses(config.media, i), arguments.fingerprint}, std::move(channel));
  }
  if (!config.native_sfu.enabled) return nullptr;
  MediaConfig media_config;
  media_config.opus_dtx = config.native_sfu.dtx;
  return std::make_unique<Media>(bus, workers, state_log, entropy, media_config);
}

void ControlServer::Impl::write_metrics(PrometheusText& out) {
  metrics.write(out);
  write_worker_metrics(worker_views(), loop::now(), out);
  for (const Collector& collect : collectors) collect(out);
}

void ControlServer::Impl::reload() {
  log::info("reloading certificates");
  web.reload_tls();
  const std::string text = read_whole(reloaded_config.get());
  if (text.empty()) return;  // the supervisor could not read it again, and has said so
  const nlohmann::json tree = nlohmann::json::parse(text, nullptr, false);
  if (tree.is_object()) reconfiguration.reload(tree);
  deadline->arm(loop::now());
}

void ControlServer::Impl::take_over(const config::ServerConfig& next) {
  const auto tls = config.signaling.tls;  // of the copies in memory, not of the files
  config = next;
  config.signaling.tls = tls;
  log::set_level(static_cast<log::Level>(config.log.level));
  RoomsOptions options = rooms.options();
  options.max_peers_per_room = config.signaling.max_peers_per_room;
  options.auto_create_rooms = config.signaling.auto_create_rooms;
  options.auto_destroy_rooms = config.signaling.auto_destroy_rooms;
  options.room_id_bytes_max = config.signaling.max_room_id_bytes;
  rooms.set_options(options);
  for (const auto& feature : features) feature->reload(config);
}

void ControlServer::Impl::add_features() {
  add_core_operations(operations, {.rooms = rooms,
                                   .publications = publications.get(),
                                   .media = media.get(),
                                   .workers = &workers,
                                   .upkeep = &draining,
                                   .views = worker_views(),
                                   .troubles = &troubles,
                                   .sessions = &sessions,
                                   .connection_times = &connection_times,
                                   .signaling_port = [this] { return signaling_port; },
                                   .now = loop::now,
                                   .unix_ms = loop::unix_ms});
  context.reset(new FeatureContext{
      config,   loop,   web,         routes,          bus,        entropy,   rooms,     publications.get(),
      sessions, native, media.get(), workers,         metrics,    state_log, *store,    operations,
      events,   http,   hooks,       reconfiguration, collectors, loop::now, unix_time, audit_folder.get()});
  context->troubles = &troubles;
  context->write_metrics = [this](PrometheusText& out) { write_metrics(out); };
  context->control_listener = &control_listener;
  context->admin_routes = &admin_routes;
  add_security_features(*context, features);
  add_policy_features(*context, features);
  add_observability_features(*context, features);
  add_dialect_features(*context, features);
  add_api_features(*context, features);
  features.push_back(std::make_unique<ModuleAttachment>(*context, features));
}

std::vector<WorkerView> ControlServer::Impl::worker_views() {
  std::vector<WorkerView> views;
  for (const WorkerId id : workers.ids()) views.push_back({id, &workers.link(id)->shared()});
  return views;
}

/// Once per turn of the loop: events of the workers in, what they are to do out, and the time of the next turn.
void ControlServer::Impl::turn() {
  if (over) return;
  const TimePoint now = loop::now();
  bell.silence();
  workers.poll(now);
  // The bell rings only for a sleeper: what came in meanwhile is taken now. Bounded, because a worker may be hostile;
  // whoever is still busy then is looked at again in the next turn, at once.
  bool asleep = workers.prepare_to_sleep();
  for (int i = 0; i < 16 && !asleep; ++i) {
    workers.poll(now);
    asleep = workers.prepare_to_sleep();
  }
  if (media) media->handle_timeout(now);
  if (!stopping && draining.turn(now)) {
    drained = true;
    stop();
  }
  hooks.handle_timeout(now);
  TimePoint next =
      std::min({workers.next_deadline(), sessions.next_deadline(), draining.next_deadline(), hooks.next_deadline()});
  for (const auto& feature : features) {
    if (feature->next_deadline() <= now) {
      feature->handle_timeout(now);
      next = now;  // what it wants of workers leaves in the next turn, at once
    }
    next = std::min(next, feature->next_deadline());
  }
  if (media) next = std::min(next, media->next_deadline(now));
  deadline->arm(asleep ? next : now);
}

void ControlServer::Impl::beat() {
  const TimePoint now = loop::now();
  for (const WorkerId id : workers.ids()) workers.link(id)->shared().control_heartbeat.beat(now);
  pulse->heartbeat.beat(now);
}

void ControlServer::Impl::say_ready_when_workers_are() {
  const TimePoint now = loop::now();
  std::size_t beating = 0;
  for (const WorkerId id : workers.ids()) {
    if (workers.link(id)->shared().worker_heartbeat.read().pulse(now, 1s) == Pulse::beating) ++beating;
  }
  if (beating < workers.ids().size() && now - started < worker_start_limit) {
    ready_timer->arm(now + 10ms);
    return;
  }
  if (beating < workers.ids().size())
    log::warn("workers do not beat yet", {{"beating", beating}, {"workers", workers.ids().size()}});
  const std::string line = ready_line(config, signaling_port, admin_port);
  std::puts(line.c_str());
  std::fflush(stdout);
  ready.ring();  // the supervisor tells the service manager
}

void ControlServer::Impl::stop() {
  if (stopping) {
    loop.stop();
    return;
  }
  stopping = true;
  log::info("stopping");
  for (const auto& feature : features) feature->stop();
  native.shut_down();
  web.shut_down(1001, "Server shutting down");
  const TimePoint limit = loop::now() + goodbye_limit;
  stop_timer->arm(limit);
  watches.push_back(loop.every(10ms, [this] {
    if (web.statistics().sockets_open == 0) loop.stop();
  }));
}

ControlServer::ControlServer(const config::ServerConfig& config, const ControlArguments& arguments,
                             DescriptorSet descriptors)
    : impl_(std::make_unique<Impl>(config, arguments, std::move(descriptors))) {}
ControlServer::~ControlServer() = default;

bool ControlServer::run() {
  if (impl_->disk != nullptr) impl_->disk->begin();
  impl_->turn();
  impl_->say_ready_when_workers_are();
  impl_->loop.run();
  return impl_->drained;
}

}  // namespace sluice::app
