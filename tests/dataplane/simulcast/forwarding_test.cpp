// The switcher, the rewriters and the machines around them, joined as the transport joins them, over seeded networks with
// loss, reordering and duplication, dying layers, moving ceilings, retransmissions and a worker's death. What one subscriber
// sees must be one contiguous stream with no gap, repeat or wrong byte that the network did not cause.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <map>
#include <random>
#include <set>

#include "dataplane/rtp/key_frame_requester.hpp"
#include "dataplane/rtp/nack_generator.hpp"
#include "dataplane/rtp/packet_cache.hpp"
#include "dataplane/rtp/receive_statistics.hpp"
#include "dataplane/rtp/stream_rewriter.hpp"
#include "dataplane/rtp/vp8_rewriter.hpp"
#include "dataplane/simulcast/layer_observer.hpp"
#include "dataplane/simulcast/simulcast_switcher.hpp"

namespace sluice {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr TimePoint start{seconds(1000)};
constexpr std::size_t layer_count = 3;

/// One packet as the publisher made it.
struct Source {
  std::uint8_t layer = 0;
  std::uint64_t number = 0;  // of that layer, from its beginning, never wraps
  std::uint16_t wire = 0;
  std::uint32_t timestamp = 0;
  bool frame_start = false;
  bool key_frame = false;
  std::uint8_t temporal_id = 0;
  bool sync = false;
  Vp8PictureFields picture;
  std::size_t size = 0;

  [[nodiscard]] std::vector<std::byte> payload() const {
    std::vector<std::byte> bytes(size, static_cast<std::byte>(layer));
    std::memcpy(bytes.data(), &number, sizeof number);
    return bytes;
  }
};

/// Three layers of one camera; layer i has 160 << i pixels in width.
class Publisher {
 public:
  explicit Publisher(std::mt19937& random) : random_(&random) {
    for (Encoder& e : encoders_) {
      e.wire = static_cast<std::uint16_t>(random());
      e.timestamp_base = static_cast<std::uint32_t>(random());
      e.picture = static_cast<std::uint16_t>(random() % 32'768);
      e.tl0 = static_cast<std::uint8_t>(random());
    }
  }
  void request_key_frame(std::size_t layer) { encoders_[layer].key_wanted = true; }
  void set_active(std::size_t layer, bool active) {
    if (active && !encoders_[layer].active) encoders_[layer].key_wanted = true;
    encoders_[layer].active = active;
  }
  /// The packets of the frame captured at `time`.
  std::vector<Source> capture(TimePoint time) {
    std::vector<Source> packets;
    for (std::uint8_t layer = 0; layer < layer_count; ++layer) {
      Encoder& e = encoders_[layer];
      if (!e.active) continue;
      const bool key = std::exchange(e.key_wanted, false);
      if (key) e.position = 0;
      constexpr std::uint8_t pattern[4] = {0, 2, 1, 2};
      const std::uint8_t temporal = pattern[e.position % 4];
      // The first frame of each higher temporal layer in a group depends on the base layer only.
      const bool sync = e.position % 4 == 1 || e.position % 4 == 2;
      ++e.position;
      e.picture = static_cast<std::uint16_t>((e.picture + 1) % 32'768);
      if (temporal == 0) ++e.tl0;
      const std::size_t count = key ? 4 + (*random_)() % 5 : 1 + (*random_)() % 4;
      for (std::size_t i = 0; i < count; ++i) {
        Source p;
        p.layer = layer;
        p.number = e.history.size();
        p.wire = e.wire++;
        p.timestamp = e.timestamp_base + static_cast<std::uint32_t>((time - start).count() * 9 / 100'000);
        p.frame_start = i == 0;
        p.key_frame = i == 0 && key;
        p.temporal_id = temporal;
        p.sync = sync;
        p.picture = {e.picture, e.tl0, true};
        p.size = 20 + (*random_)() % 900;
        e.history.push_back(p);
        packets.push_back(p);
      }
    }
    return packets;
  }
  /// A packet that was asked for again; it was made within the last 30 000.
  [[nodiscard]] const Source& again(std::size_t layer, std::uint16_t wire) const {
    const auto& history = encoders_[layer].history;
    const auto back = static_cast<std::uint16_t>(history.back().wire - wire);
    return history[history.size() - 1 - back];
  }

 private:
  struct Encoder {
    std::uint16_t wire = 0;
    std::uint32_t timestamp_base = 0;
    std::uint16_t picture = 0;
    std::uint8_t tl0 = 0;
    std::uint32_t position = 0;
    bool key_wanted = true;
    bool active = true;
    std::vector<Source> history;
  };
  std::mt19937* random_;
  std::array<Encoder, layer_count> encoders_;
};

/// One incoming layer.
struct Layer {
  ReceiveStatisticsState statistics_state;
  ReceiveStatistics statistics{statistics_state, 90'000};
  NackGenerator nack;
  PacketCache cache{PacketCacheConfig::high_video()};
  KeyFrameRequesterState key_state;
  KeyFrameRequester keys{key_state};
  std::map<std::int64_t, Source> made;  // by extended number; stands in for parsing the cached payload
};

/// What left for the subscriber.
struct Sent {
  Source source;
  std::int64_t source_sequence = 0;
  std::uint32_t timestamp = 0;
  Vp8PictureFields picture;
  bool empty = false;
};

class Call {
 public:
  explicit Call(std::uint32_t seed) : random_(seed), publisher_(random_) {
    RewriterConfig config;
    config.first_sequence = {static_cast<std::uint16_t>(random_() % 32'768)};
    config.first_timestamp = static_cast<std::uint32_t>(random_());
    config_ = config;
    adopt();
    next_ = first_ = rewriter_->next_sequence().value;
    loss_per_mille_ = static_cast<unsigned>(random_() % 4 * 25);
    reorder_per_mille_ = static_cast<unsigned>(random_() % 3 * 60);
  }

  void run(Duration time) {
    for (const TimePoint end = now_ + time; now_ < end; now_ += milliseconds(1)) step();
  }
  /// The worker dies; a successor has the states only.
  void adopt() {
    switcher_.emplace(switcher_state_);
    rewriter_.emplace(rewriter_state_, config_);
    vp8_.emplace(vp8_state_);
    holes_.clear();  // it cannot fill what its predecessor left open
    for (Layer& layer : layers_) layer.cache.clear();
  }
  SimulcastSwitcher& switcher() { return *switcher_; }
  std::mt19937& random() { return random_; }

  /// Everything that must hold for the stream as a whole.
  void judge() const {
    ASSERT_GT(sent_.size(), 100U);
    const Sent* before = nullptr;
    std::int64_t before_number = 0;
    bool interrupted = false;  // a hole or an empty packet since `before`
    for (const auto& [number, sent] : sent_) {
      interrupted = interrupted || (before != nullptr && number != before_number + 1);
      if (sent.empty) {
        interrupted = true;
        before_number = number;
        continue;
      }
      if (before != nullptr) {
        const bool same_frame =
            sent.source.layer == before->source.layer && sent.source.timestamp == before->source.timestamp;
        const auto time = static_cast<std::int32_t>(sent.timestamp - before->timestamp);
        const auto pictures = static_cast<std::uint16_t>((sent.picture.picture_id - before->picture.picture_id) & 0x7fff);
        if (same_frame) {
          ASSERT_EQ(time, 0) << number;
          ASSERT_EQ(sent.picture, before->picture) << number;
        } else {
          ASSERT_GT(time, 0) << number;
          ASSERT_LT(time, 90'000 * 5) << number;
          ASSERT_GE(pictures, 1) << number;
          ASSERT_LT(pictures, 1000) << number;
          if (!interrupted) {
            ASSERT_EQ(pictures, 1) << number;
            const auto tl0 = static_cast<std::uint8_t>(sent.picture.tl0_picture_index - before->picture.tl0_picture_index);
            ASSERT_EQ(tl0, sent.source.temporal_id == 0 ? 1 : 0) << number;
          }
        }
        if (sent.source.layer != before->source.layer) {
          ASSERT_TRUE(sent.source.key_frame && sent.source.frame_start) << number;
        }
      }
      before = &sent;
      before_number = number;
      interrupted = false;
    }
  }
  [[nodiscard]] std::size_t switches() const { return switches_; }
  [[nodiscard]] std::size_t skipped() const { return skipped_; }
  [[nodiscard]] std::size_t open_holes() const { return holes_.size(); }
  [[nodiscard]] bool lossless() const { return loss_per_mille_ == 0; }
  [[nodiscard]] std::size_t packets() const { return sent_.size(); }

 private:
  static MediaSource source_of(std::uint8_t layer) { return {{7, 1}, {1000U + layer}, layer, {}}; }
  bool chance(unsigned per_mille) { return random_() % 1000 < per_mille; }

  void put_on_network(const Source& packet, Duration delay, bool repair) {
    if (chance(loss_per_mille_)) return;
    const Duration jitter = chance(reorder_per_mille_) ? milliseconds(random_() % 40) : Duration(0);
    network_.emplace(now_ + delay + jitter, std::pair{packet, repair});
    if (chance(10)) network_.emplace(now_ + delay + milliseconds(random_() % 20), std::pair{packet, repair});
  }

  void step() {
    if ((now_ - start) % milliseconds(33) == Duration(0)) {
      for (const Source& packet : publisher_.capture(now_)) put_on_network(packet, milliseconds(20), false);
    }
    while (!network_.empty() && network_.begin()->first <= now_) {
      const auto [packet, repair] = network_.begin()->second;
      network_.erase(network_.begin());
      receive(packet, repair);
      if (::testing::Test::HasFatalFailure()) return;
    }
    observer_.handle_timeout(now_);
    if (const auto wanted = switcher_->key_frame_wanted(now_, observer_)) layers_[*wanted].keys.want(now_);
    for (std::size_t i = 0; i < layer_count; ++i) {
      Layer& layer = layers_[i];
      if (layer.nack.next_deadline() <= now_) {
        std::array<SequenceNumber, 256> lost{};
        const std::size_t count = layer.nack.poll(now_, lost);
        for (std::size_t n = 0; n < count; ++n) put_on_network(publisher_.again(i, lost[n].value), milliseconds(60), true);
        if (layer.nack.take_key_frame_needed()) layer.keys.want(now_);
      }
      if (layer.keys.poll(now_)) publisher_.request_key_frame(i);
    }
    move_the_world();
    answer_a_nack();
  }

  void move_the_world() {
    const auto pick = [&](unsigned count) { return static_cast<std::uint8_t>(random_() % count); };
    if (chance(2)) switcher_->set_ceiling(pick(3));
    if (chance(2)) switcher_->set_allocation(chance(500) ? std::optional<std::uint8_t>{} : pick(3));
    if (chance(2)) switcher_->set_temporal_ceiling(chance(500) ? std::optional<std::uint8_t>{} : pick(3));
    if (chance(1)) publisher_.set_active(1 + random_() % 2, chance(600));
  }

  void receive(const Source& packet, bool repair) {
    Layer& layer = layers_[packet.layer];
    const Arrival arrival = repair ? layer.statistics.on_repair({packet.wire})
                                   : layer.statistics.on_packet(now_, {packet.wire}, packet.timestamp, packet.size);
    if (!arrival.usable()) return;
    ASSERT_NE(arrival.kind, ArrivalKind::resynced);
    ASSERT_TRUE(layer.made.emplace(arrival.sequence.value, packet).second);
    layer.nack.on_packet(now_, arrival.sequence);
    layer.cache.insert(now_, arrival.sequence, {packet.timestamp, {96}, false, 0, 0}, packet.payload());
    const auto width = static_cast<std::uint16_t>(160U << packet.layer);
    observer_.on_packet(now_,
                        {packet.layer, packet.timestamp, packet.size, packet.frame_start, packet.key_frame, width, width});
    if (packet.key_frame) layer.keys.on_key_frame(now_);
    deliver(packet, arrival.sequence);
    // A hole that this packet could have closed is closed.
    const auto open = holes_.find({packet.layer, arrival.sequence.value});
    if (open != holes_.end()) {
      ASSERT_TRUE(open->second < next_ - static_cast<std::int64_t>(StreamRewriter::history) ||
                  switches_since(open->second) >= RewriterState::epochs_kept);
    }
  }

  void deliver(const Source& packet, ExtendedSequenceNumber sequence) {
    const SwitcherPacket in{packet.layer,     sequence,           packet.timestamp, packet.frame_start,
                            packet.key_frame, packet.temporal_id, packet.sync};
    const MediaSource source = source_of(packet.layer);
    switch (switcher_->on_packet(now_, observer_, in)) {
      case Verdict::drop:
        return;
      case Verdict::skip:
        ++skipped_;
        vp8_->skip(source, packet.picture);
        leave_out(packet, sequence);
        return;
      case Verdict::switched: {
        ++switches_;
        switched_at_.push_back(rewriter_->next_sequence().value);
        rewriter_->begin_source(now_, source, sequence, packet.timestamp);
        vp8_->begin_source(source, packet.picture);
        send(packet, sequence);
        // Packets that overtook the first one of the key frame.
        Layer& layer = layers_[packet.layer];
        for (auto s = sequence.plus(1); s <= layer.statistics.highest(); s = s.plus(1)) {
          if (layer.cache.find(now_, s)) deliver(layer.made.at(s.value), s);
        }
        return;
      }
      case Verdict::forward:
      case Verdict::late:
        send(packet, sequence);
        return;
    }
  }

  void send(const Source& packet, ExtendedSequenceNumber sequence) {
    const MediaSource source = source_of(packet.layer);
    const auto picture = vp8_->map(source, packet.picture);
    if (!picture) {
      leave_out(packet, sequence);
      return;
    }
    const auto header = rewriter_->forward(now_, source, sequence, packet.timestamp, Vp8Rewriter::to_tag(*picture));
    if (!header) return;
    note(header->sequence.value, {packet, sequence.value, header->rtp_timestamp, *picture, false});
    const auto found = rewriter_->lookup(header->sequence.on_wire());
    ASSERT_TRUE(found && found->sent);
    check_memory(*found);
  }

  void leave_out(const Source& packet, ExtendedSequenceNumber sequence) {
    const auto empty = rewriter_->skip(source_of(packet.layer), sequence, packet.timestamp);
    note_holes(rewriter_->next_sequence().value);
    if (empty) note(empty->sequence.value, {packet, sequence.value, empty->rtp_timestamp, {}, true});
  }

  void note_holes(std::int64_t until) {
    for (; next_ < until; ++next_) {
      const auto hole = rewriter_->lookup({static_cast<std::uint16_t>(next_)});
      ASSERT_TRUE(hole && !hole->sent);
      holes_.emplace(std::pair{hole->source.layer, hole->source_sequence.value}, next_);
      // Nobody has the packet behind a hole.
      ASSERT_EQ(layers_[hole->source.layer].made.count(hole->source_sequence.value), 0U);
    }
  }

  void note(std::int64_t number, const Sent& sent) {
    note_holes(number);
    next_ = std::max(next_, number + 1);
    ASSERT_TRUE(sent_.emplace(number, sent).second) << "number used twice: " << number;
    holes_.erase({sent.source.layer, sent.source_sequence});
  }

  /// What a NACK finds is what was sent.
  void check_memory(const SentPacket& found) {
    const Sent& sent = sent_.at(found.out.value);
    ASSERT_EQ(found.source, source_of(sent.source.layer));
    ASSERT_EQ(found.source_sequence.value, sent.source_sequence);
    ASSERT_EQ(Vp8Rewriter::from_tag(found.codec_tag), sent.picture);
    const auto cached = layers_[found.source.layer].cache.find(now_, found.source_sequence);
    if (!cached) return;
    ASSERT_EQ(cached->facts.rtp_timestamp + found.timestamp_offset, sent.timestamp);
    const auto payload = sent.source.payload();
    ASSERT_TRUE(std::equal(cached->payload.begin(), cached->payload.end(), payload.begin(), payload.end()));
  }
  void answer_a_nack() {
    const std::int64_t number = next_ - 1 - static_cast<std::int64_t>(random_() % 1200);
    if (number < first_) return;
    const auto found = rewriter_->lookup({static_cast<std::uint16_t>(number)});
    if (found && found->sent) check_memory(*found);
    if (!found && number >= next_ - 1000 && !adopted_recently(number)) {
      // Only what went out empty, or more switches ago than are kept, is not found.
      ASSERT_TRUE(sent_.at(number).empty || switches_since(number) >= RewriterState::epochs_kept);
    }
  }
  [[nodiscard]] std::size_t switches_since(std::int64_t number) const {
    return static_cast<std::size_t>(switched_at_.end() - std::upper_bound(switched_at_.begin(), switched_at_.end(), number));
  }
  [[nodiscard]] bool adopted_recently(std::int64_t number) const { return number < remembered_from_; }

 public:
  void die() {
    adopt();
    remembered_from_ = next_;
  }

 private:
  std::mt19937 random_;
  Publisher publisher_;
  TimePoint now_ = start;
  std::multimap<TimePoint, std::pair<Source, bool>> network_;
  std::array<Layer, layer_count> layers_;
  LayerObserver observer_{layer_count};
  SwitcherState switcher_state_;
  RewriterState rewriter_state_;
  Vp8RewriterState vp8_state_;
  RewriterConfig config_;
  std::optional<SimulcastSwitcher> switcher_;
  std::optional<StreamRewriter> rewriter_;
  std::optional<Vp8Rewriter> vp8_;
  std::map<std::int64_t, Sent> sent_;
  std::map<std::pair<std::uint8_t, std::int64_t>, std::int64_t> holes_;  // source packet -> outgoing number
  std::int64_t next_ = 0;
  std::int64_t first_ = 0;
  std::int64_t remembered_from_ = 0;
  std::vector<std::int64_t> switched_at_;  // first outgoing numbers
  std::size_t switches_ = 0;
  std::size_t skipped_ = 0;
  unsigned loss_per_mille_ = 0;
  unsigned reorder_per_mille_ = 0;
};

TEST(Forwarding, ASubscriberSeesOneContiguousStreamWhateverHappens) {
  std::size_t switches = 0;
  std::size_t skipped = 0;
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Call call(seed);
    call.run(seconds(20));
    if (HasFatalFailure()) return;
    call.judge();
    if (HasFatalFailure()) return;
    if (call.lossless()) {
      // Packets still under way aside, nothing may be missing.
      EXPECT_LT(call.open_holes(), 20U);
    }
    switches += call.switches();
    skipped += call.skipped();
  }
  EXPECT_GT(switches, 600U);  // the test tests something
  EXPECT_GT(skipped, 1000U);
}

TEST(Forwarding, AWorkersDeathLosesPlacesButUsesNoNumberTwice) {
  for (std::uint32_t seed = 1000; seed < 1020; ++seed) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed);
    Call call(seed);
    for (int life = 0; life < 6; ++life) {
      call.run(milliseconds(1500 + seed % 7 * 100));
      call.die();
    }
    call.run(seconds(3));
    if (HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace sluice
