#include "tools/load/media_loop.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <unordered_map>

#include "tools/load/clock.hpp"

namespace sluice::load {

namespace {

constexpr Duration look_interval = std::chrono::milliseconds(10);
constexpr Duration progress_interval = std::chrono::seconds(1);
/// Frames that the generator sends later than this may make gaps of their own.
constexpr Duration stall_threshold = std::chrono::milliseconds(20);
constexpr std::size_t stalls_kept = 1024;
constexpr Duration turn_min = std::chrono::microseconds(200);
constexpr std::uint64_t wake_mark = ~std::uint64_t{0};
/// Full batches of one socket before the others have their turn.
constexpr int reads_per_turn = 8;

std::int64_t thread_cpu_ns() noexcept {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

void sum_up(MediaPeer::Counts& sum, const MediaPeer::Counts& part) {
  sum.sent += part.sent;
  sum.nacked += part.nacked;
  sum.key_requests += part.key_requests;
  sum.nacks_sent += part.nacks_sent;
  sum.undecryptable += part.undecryptable;
  sum.replays += part.replays;
  sum.unknown_ssrc += part.unknown_ssrc;
  sum.malformed += part.malformed;
  sum.dropped += part.dropped;
}

void sum_up(FrameTracker::Counts& sum, const FrameTracker::Counts& part) {
  sum.decoded += part.decoded;
  sum.key_frames += part.key_frames;
  sum.skipped += part.skipped;
  sum.freezes += part.freezes;
  sum.picture_id_breaks += part.picture_id_breaks;
  sum.requests += part.requests;
  sum.longest_still = std::max(sum.longest_still, part.longest_still);
}

void sum_up(IndexAudit::Counts& sum, const IndexAudit::Counts& part) {
  sum.rtp += part.rtp;
  sum.rtcp += part.rtcp;
  sum.ssrcs += part.ssrcs;
  sum.network_duplicates += part.network_duplicates;
  sum.repeats += part.repeats;
}

}  // namespace

MediaLoop::MediaLoop(MediaLoopConfig config) : config_(std::move(config)) {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = wake_mark;
  if (epoll_ < 0 || wake_ < 0 || epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0)
    throw std::runtime_error("no descriptors are left for the media loop; check 'ulimit -n'");
  shared_.settings = config_.settings;
  shared_.identity = config_.identity;
  shared_.audit = config_.audit;
  shared_.drop = config_.drop;
  shared_.out = &out_;
  shared_.on_gap = [this](const ReceiveStream& stream, const Gap& gap) { on_gap(stream, gap); };
  shared_.on_problem = config_.on_problem;
  shared_.on_repeat = [this](Ssrc ssrc, std::uint64_t index, bool rtcp) {
    config_.events->write("index_repeat", wall_now_ns(), {{"ssrc", ssrc.value}, {"index", index}, {"rtcp", rtcp}});
  };
  thread_ = std::thread([this] { run(); });
}

MediaLoop::~MediaLoop() {
  stop_ = true;
  post([] {});
  if (thread_.joinable()) thread_.join();
  peers_.clear();
  close(epoll_);
  close(wake_);
}

void MediaLoop::post(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  const std::uint64_t one = 1;
  (void)!write(wake_, &one, sizeof one);
}

void MediaLoop::add(PeerSpec spec) {
  post([this, spec = std::move(spec)] { add_now(spec); });
}

void MediaLoop::begin_measurement() {
  post([this] {
    for (const auto& peer : peers_) peer->reset(now_);
    measured_since_ = now_;
    cpu_at_start_ns_ = thread_cpu_ns();
    overflowed_before_ = in_.overflowed();
    refused_before_ = out_.refused();
    longest_gaps_.clear();
    gaps_ = {};
    lateness_ = {};
    worst_gap_ = {};
    config_.events->write("measurement_begin", wall_now_ns(), {});
  });
}

void MediaLoop::stop_sending() {
  post([this] {
    for (const auto& peer : peers_) peer->stop_sending();
    sending_stopped_ = now_;
    cpu_at_stop_ns_ = thread_cpu_ns();
    config_.events->write("measurement_end", wall_now_ns(), {});
    // What is still under way arrives, but silence is what was asked for now.
    for (const auto& peer : peers_) {
      for (const auto& stream : peer->receives()) {
        if (const std::optional<Gap> gap = stream->finish(now_)) on_gap(*stream, *gap);
      }
    }
  });
}

void MediaLoop::add_now(PeerSpec spec) {
  const int socket = spec.socket;
  auto peer = std::make_unique<MediaPeer>(std::move(spec), shared_, now_);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = peers_.size();
  if (!prepare_media_socket(socket) || epoll_ctl(epoll_, EPOLL_CTL_ADD, socket, &event) != 0) {
    config_.on_problem("a media socket cannot be used");
    return;
  }
  peers_.push_back(std::move(peer));
  armed_.push_back(never);
  peers_.back()->start();
  arm(peers_.size() - 1);
}

void MediaLoop::run_tasks() {
  std::uint64_t count = 0;
  (void)!::read(wake_, &count, sizeof count);
  std::vector<std::function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (const auto& task : tasks) task();
}

void MediaLoop::arm(std::size_t peer) {
  TimePoint deadline = peers_[peer]->next_deadline(now_);
  if (deadline == never || deadline == armed_[peer]) return;
  // Never at once again: whatever a peer wants, the others have their turn.
  deadline = std::max(deadline, now_ + turn_min);
  armed_[peer] = deadline;
  timers_.emplace(deadline, peer);
}

int MediaLoop::milliseconds_to_wait() const {
  TimePoint next = std::min(next_look_, next_progress_);
  if (!timers_.empty()) next = std::min(next, timers_.top().first);
  const Duration left = next - monotonic_now();
  if (left <= Duration::zero()) return 0;
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
}

void MediaLoop::run() {
  now_ = monotonic_now();
  next_look_ = now_ + look_interval;
  next_progress_ = now_ + progress_interval;
  measured_since_ = now_;
  std::array<epoll_event, 256> events{};
  while (!stop_) {
    const int count = epoll_wait(epoll_, events.data(), events.size(), milliseconds_to_wait());
    now_ = monotonic_now();
    wall_minus_monotonic_ns_ = wall_now_ns() - now_.time_since_epoch().count();
    run_timers();
    for (int i = 0; i < count; ++i) {
      const std::uint64_t mark = events[static_cast<std::size_t>(i)].data.u64;
      if (mark == wake_mark) {
        run_tasks();
      } else {
        read(static_cast<std::size_t>(mark));
      }
    }
    if (now_ >= next_look_) {
      next_look_ = now_ + look_interval;
      look_at_gaps();
    }
    if (now_ >= next_progress_) {
      next_progress_ += progress_interval;
      tell_progress();
    }
  }
}

void MediaLoop::run_timers() {
  while (!timers_.empty() && timers_.top().first <= now_) {
    const auto [deadline, peer] = timers_.top();
    timers_.pop();
    if (deadline != armed_[peer]) continue;  // replaced by another since
    armed_[peer] = never;
    note_lateness(peers_[peer]->on_timeout(now_));
    arm(peer);
  }
}

void MediaLoop::note_lateness(Duration late) {
  if (late <= Duration::zero()) return;
  lateness_.record(late);
  if (late < stall_threshold) return;
  if (!stalls_.empty() && now_ - late <= stalls_.back().end) {
    stalls_.back().end = now_;
    return;
  }
  if (stalls_.size() == stalls_kept) stalls_.erase(stalls_.begin());
  stalls_.push_back({now_ - late, now_});
}

void MediaLoop::read(std::size_t peer) {
  MediaPeer& target = *peers_[peer];
  const auto taken = [&](TimePoint arrival, MutableBytes datagram) { target.on_datagram(arrival, now_, datagram); };
  for (int turn = 0; turn < reads_per_turn; ++turn) {
    now_ = monotonic_now();
    if (!in_.receive(target.socket(), now_, wall_minus_monotonic_ns_, taken)) break;
  }
  arm(peer);
}

std::int64_t MediaLoop::wall_ns(TimePoint time) const noexcept {
  return time.time_since_epoch().count() + wall_minus_monotonic_ns_;
}

nlohmann::ordered_json MediaLoop::describe(const StreamLabel& label) const {
  return {{"room", label.room},
          {"publisher", label.publisher},
          {"subscriber", label.subscriber},
          {"kind", label.kind == MediaKind::video ? "video" : "audio"}};
}

void MediaLoop::on_gap(const ReceiveStream& stream, const Gap& gap) {
  worst_gap_ = std::max(worst_gap_, gap.length());
  GapRecord record{.label = stream.spec().label, .begin_wall_ns = wall_ns(gap.begin), .length = gap.length()};
  for (const Stall& stall : stalls_) {
    if (stall.begin < gap.end && stall.end > gap.begin)
      record.generator_late = std::max(record.generator_late, stall.end - stall.begin);
  }
  gaps_.record(gap.length());
  const auto longer = [](const GapRecord& a, const GapRecord& b) { return a.length > b.length; };
  longest_gaps_.insert(std::upper_bound(longest_gaps_.begin(), longest_gaps_.end(), record, longer), record);
  if (longest_gaps_.size() > MediaResults::gaps_kept) longest_gaps_.pop_back();
  if (!config_.events->active()) return;
  auto fields = describe(record.label);
  fields["gap_ms"] = static_cast<double>(gap.length().count()) / 1e6;
  fields["begin_ms"] = static_cast<double>(record.begin_wall_ns / 1000) / 1000;
  fields["generator_late_ms"] = static_cast<double>(record.generator_late.count()) / 1e6;
  config_.events->write("gap_end", wall_ns(gap.end), std::move(fields));
}

void MediaLoop::look_at_gaps() {
  if (sending_stopped_ != never) return;
  for (const auto& peer : peers_) {
    for (const auto& stream : peer->receives()) {
      // A packet may wait in its socket: the meter learns of it at the next turn, and then of its true arrival.
      if (!stream->gaps().begins_to_count(now_)) continue;
      auto fields = describe(stream->spec().label);
      fields["last_packet_ms"] = static_cast<double>(wall_ns(stream->gaps().last_arrival()) / 1000) / 1000;
      config_.events->write("gap_begin", wall_ns(now_), std::move(fields));
    }
  }
}

void MediaLoop::tell_progress() {
  Progress progress;
  Tally latency;
  for (const auto& peer : peers_) {
    progress.connected += peer->connected() ? 1U : 0U;
    progress.sent += peer->counts().sent;
    for (const auto& stream : peer->receives()) {
      ++progress.streams;
      const GapMeter& gaps = stream->gaps();
      const Duration silence = now_ - gaps.last_arrival();
      if (gaps.started() && silence < progress_interval) ++progress.streams_up;
      if (gaps.started() && silence > gaps.threshold()) worst_gap_ = std::max(worst_gap_, silence);
      progress.received += stream->counts().packets;
      progress.lost += stream->counters().lost();
      latency.add(stream->latency());
    }
  }
  progress.worst_gap = std::exchange(worst_gap_, {});
  progress.latency_p99 = latency.quantile(0.99);
  config_.on_progress(progress);
}

MediaResults MediaLoop::finish() {
  stop_ = true;
  post([] {});
  thread_.join();
  return collect();
}

MediaResults MediaLoop::collect() {
  MediaResults results;
  const TimePoint end = sending_stopped_ == never ? now_ : sending_stopped_;
  std::unordered_map<std::uint32_t, std::uint64_t> sent;  // counters by stream
  for (const auto& peer : peers_) {
    sum_up(results.peers, peer->counts());
    sum_up(results.audit, peer->audit());
    for (const auto& stream : peer->sends()) {
      sent[stream->spec().stream] = stream->packets();
      results.frames_left_out += stream->frames_left_out();
    }
  }
  for (const auto& peer : peers_) {
    for (const auto& stream : peer->receives()) {
      ++results.streams;
      const CounterWindow& counters = stream->counters();
      const bool up = counters.started();
      if (!up) ++results.never_up;
      if (!up || end - stream->gaps().last_arrival() > progress_interval) ++results.dead;
      results.received += stream->counts().packets;
      results.repaired += stream->counts().repaired;
      results.misrouted += stream->counts().misrouted;
      results.unstamped += stream->counts().unstamped;
      results.unique += counters.received();
      results.duplicates += counters.duplicates();
      results.lost += counters.lost_of(sent[stream->spec().stream]);
      results.latency.add(stream->latency());
      results.gap_histogram.add(stream->gaps().histogram());
      results.longest_gap = std::max(results.longest_gap, stream->gaps().longest().length());
      sum_up(results.frames, stream->frames().counts());
    }
  }
  results.gaps = gaps_;
  results.longest_gaps = longest_gaps_;
  results.send_lateness = lateness_;
  results.overflowed = in_.overflowed() - overflowed_before_;
  results.send_refused = out_.refused() - refused_before_;
  results.generator_cpu_ns = (cpu_at_stop_ns_ < 0 ? cpu_at_start_ns_ : cpu_at_stop_ns_) - cpu_at_start_ns_;
  results.measured = end - measured_since_;
  return results;
}

}  // namespace sluice::load
