#include "tools/load/load_run.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <random>

#include "tools/load/clock.hpp"

namespace sluice::load {

namespace {

constexpr unsigned tick_ms = 20;
constexpr std::size_t setups_at_once = 16;
constexpr Duration setup_patience = std::chrono::seconds(20);
constexpr Duration streams_patience = std::chrono::seconds(15);
constexpr Duration drain_time = std::chrono::milliseconds(700);

std::int64_t process_cpu_ns() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/// Different in every run, so that runs at the same server do not meet.
std::string run_name() {
  std::random_device random;
  std::string name = "load-";
  static constexpr std::string_view digits = "0123456789abcdef";
  for (int i = 0; i < 8; ++i) name += digits[random() % digits.size()];
  return name;
}

}  // namespace

LoadRun::LoadRun(const LoadOptions& options, const volatile std::sig_atomic_t& stop)
    : options_(options),
      stop_(stop),
      admin_(parse_url(options.admin), options.admin_secret),
      events_(options.events.empty() ? EventLog() : EventLog(options.events)),
      identity_(options.suite) {}

LoadRun::~LoadRun() {
  // The ICE thread first: what it still tells goes to nobody. Then the members, which know the signaling.
  ice_.reset();
  media_.reset();
  members_.clear();
}

void LoadRun::prepare() {
  raise_descriptor_limit();
  const ServerUrl url = parse_url(options_.url);
  server_ = options_.server_pid ? ServerProcesses::of(*options_.server_pid) : ServerProcesses::listening_on(url.port);
  if (options_.server_pid && !server_) throw RunError("There is no process " + std::to_string(*options_.server_pid) + ".");
  if (server_) server_->mark_memory();
  const auto local = SocketAddress::parse(local_address_towards(url.host, url.port), 0);
  if (!local) throw RunError("No local address towards '" + url.host + "' was found.");
  signaling_ = std::make_unique<Signaling>(url);
  ice_ = std::make_unique<IceThread>(*local);
  MediaLoopConfig config;
  config.settings.video_bits_per_second = options_.bitrate;
  config.identity = &identity_;
  config.events = &events_;
  config.audit = options_.audit_indices;
  config.drop = options_.drop / 100;
  config.on_progress = [this](const Progress& progress) { signaling_->post([this, progress] { on_progress(progress); }); };
  config.on_problem = [this](const std::string& problem) {
    signaling_->post([this, problem] {
      ++problems_;
      events_.write("problem", wall_now_ns(), {{"text", problem}});
      if (phase_ < Phase::warmup && failure_.empty()) failure_ = problem;
    });
  };
  media_ = std::make_unique<MediaLoop>(std::move(config));
  surroundings_.signaling = signaling_.get();
  surroundings_.ice = ice_.get();
  surroundings_.identity = &identity_;
  surroundings_.media = media_.get();
  surroundings_.events = &events_;
  surroundings_.on_ready = [this](Member& member) { on_member_ready(member); };
  surroundings_.on_failed = [this](Member&, const std::string& why) {
    if (failure_.empty()) failure_ = why;
  };
}

void LoadRun::make_rooms() {
  const std::string name = run_name();
  for (std::uint32_t i = 0; i < options_.rooms; ++i) {
    rooms_.push_back({name + "-" + std::to_string(i), {}});
    admin_.make_room(rooms_.back().id, options_.publishers + options_.subscribers);
  }
}

void LoadRun::make_members(bool publishers) {
  const std::uint32_t count = publishers ? options_.publishers : options_.subscribers;
  for (std::uint32_t room = 0; room < options_.rooms; ++room) {
    for (std::uint32_t number = 0; number < count; ++number) {
      Member::Config config;
      config.room = room;
      config.number = number;
      config.room_id = rooms_[room].id;
      config.seed = options_.seed * 1'000'003 + members_.size() * 17 + 1;
      config.publisher = publishers;
      if (publishers) {
        for (const MediaKind kind : {MediaKind::audio, MediaKind::video}) {
          if (!(kind == MediaKind::video ? options_.video : options_.audio)) continue;
          const std::uint32_t publisher = room * options_.publishers + number;
          config.producers.push_back(
              {.publisher = number, .kind = kind, .stream = publisher * 2 + (kind == MediaKind::video ? 1U : 0U), .id = {}});
        }
      } else {
        config.producers = rooms_[room].producers;
      }
      members_.push_back(std::make_unique<Member>(std::move(config), surroundings_));
    }
  }
}

void LoadRun::on_member_ready(Member& member) {
  ++ready_;
  last_step_ = monotonic_now();
  if (!member.config().publisher) return;
  auto& producers = rooms_[member.config().room].producers;
  producers.insert(producers.end(), member.config().producers.begin(), member.config().producers.end());
}

void LoadRun::start_members(TimePoint now) {
  while (started_ < members_.size() && started_ - ready_ < setups_at_once) members_[started_++]->start();
  if (now - last_step_ > setup_patience)
    throw RunError("The server does not answer: " + std::to_string(ready_) + " of " + std::to_string(members_.size()) +
                   " peers are connected, and no further one came within 20 s.");
}

void LoadRun::enter(Phase phase, TimePoint now) {
  phase_ = phase;
  phase_since_ = now;
}

void LoadRun::tick_setup(TimePoint now) {
  if (!failure_.empty()) throw RunError(failure_);
  if (stop_ != 0) throw RunError("Stopped before the measurement began.");
  start_members(now);
  if (ready_ < members_.size()) return;
  if (phase_ == Phase::publishers) {
    make_members(false);
    enter(Phase::subscribers, now);
  } else {
    enter(Phase::streams, now);
  }
}

void LoadRun::tick() {
  const TimePoint now = monotonic_now();
  for (const auto& member : members_) member->tick(now);
  switch (phase_) {
    case Phase::publishers:
    case Phase::subscribers:
      return tick_setup(now);
    case Phase::streams:
      if (!failure_.empty()) throw RunError(failure_);
      if (progress_.streams_up == options_.streams() || now - phase_since_ > streams_patience || stop_ != 0)
        enter(Phase::warmup, now);
      return;
    case Phase::warmup:
      if (now - phase_since_ < options_.warmup && stop_ == 0) return;
      begin_measurement();
      return enter(Phase::measuring, now);
    case Phase::measuring:
      if (now - phase_since_ < options_.duration && stop_ == 0) return;
      ended_early_ = stop_ != 0;
      media_->stop_sending();
      cpu_at_stop_ns_ = process_cpu_ns();
      if (server_) server_->look();
      return enter(Phase::draining, now);
    case Phase::draining:
      if (now - phase_since_ >= drain_time) enter(Phase::done, now);
      return;
    case Phase::done:
      return;
  }
}

void LoadRun::begin_measurement() {
  media_->begin_measurement();
  if (server_) server_->mark();
  cpu_at_start_ns_ = process_cpu_ns();
  measured_ = true;
  shown_ = {};
}

void LoadRun::on_progress(const Progress& progress) {
  progress_ = progress;
  if (server_ && phase_ == Phase::measuring) server_->look();
  if (!options_.quiet) print_progress(progress);
}

void LoadRun::print_progress(const Progress& progress) {
  if (phase_ == Phase::done || phase_ == Phase::draining) return;
  const bool setup = phase_ < Phase::streams;
  if (setup) {
    std::fprintf(
        stderr, "joining     %zu of %llu peers\n", ready_,
        static_cast<unsigned long long>(std::uint64_t{options_.rooms} * (options_.publishers + options_.subscribers)));
    return;
  }
  const auto since = [](std::uint64_t now, std::uint64_t before) {
    return static_cast<unsigned long long>(now >= before ? now - before : now);
  };
  std::fprintf(stderr,
               "%-11s %llu/%llu streams up, %llu packets/s out, %llu in, %llu lost, worst gap %.0f ms, p99 %.0f us\n",
               phase_ == Phase::streams  ? "starting"
               : phase_ == Phase::warmup ? "warming up"
                                         : "measuring",
               static_cast<unsigned long long>(progress.streams_up), static_cast<unsigned long long>(options_.streams()),
               since(progress.sent, shown_.sent), since(progress.received, shown_.received),
               static_cast<unsigned long long>(progress.lost), static_cast<double>(progress.worst_gap.count()) / 1e6,
               static_cast<double>(progress.latency_p99.count()) / 1e3);
  shown_ = progress;
}

RunFacts LoadRun::facts() {
  RunFacts facts;
  if (server_) {
    facts.processes = server_->groups();
    facts.memory_growth = server_->memory_growth();
  }
  facts.generator_cpu_ns = cpu_at_stop_ns_ - cpu_at_start_ns_;
  facts.problems = problems_;
  facts.ended_early = ended_early_;
  for (const auto& member : members_) {
    facts.reconnects += member->counts().reconnects;
    facts.sessions_lost += member->counts().sessions_lost;
    facts.errors += member->counts().errors;
    facts.consumers_closed += member->counts().consumers_closed;
  }
  return facts;
}

int LoadRun::finish() {
  const MediaResults results = media_->finish();
  const nlohmann::ordered_json report = make_report(options_, results, facts());
  if (!options_.report.empty()) {
    std::ofstream file(options_.report);
    file << report.dump(2) << "\n";
    if (!file.flush()) throw RunError("The report '" + options_.report + "' cannot be written.");
  }
  std::fputs(options_.json ? (report.dump(2) + "\n").c_str() : report_text(report).c_str(), stdout);
  std::fflush(stdout);
  const Judgement judgement = judge(options_, results);
  for (const std::string& reason : judgement.reasons) std::fprintf(stderr, "sluice-load: %s\n", reason.c_str());
  return judgement.status;
}

int LoadRun::run() {
  prepare();
  int status = 0;
  try {
    make_rooms();
    make_members(true);
    enter(Phase::publishers, monotonic_now());
    last_step_ = phase_since_;
    std::string error;
    // Exceptions must not cross libwebsockets' frames.
    signaling_->set_tick(tick_ms, [&] {
      try {
        tick();
      } catch (const RunError& caught) {
        error = caught.what();
      }
    });
    while (phase_ != Phase::done && error.empty()) signaling_->turn();
    signaling_->set_tick(tick_ms, nullptr);
    if (!error.empty()) throw RunError(error);
    status = finish();
  } catch (...) {
    for (const Room& room : rooms_) admin_.delete_room(room.id);
    throw;
  }
  for (const auto& member : members_) member->leave();
  for (const Room& room : rooms_) admin_.delete_room(room.id);
  return status;
}

}  // namespace sluice::load
