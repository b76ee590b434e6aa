#include "control/speakers/active_speakers.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice {
namespace {

using namespace std::chrono_literals;

/// People in rooms, whose meters are real and whose packets come every 20 ms; control looks every 200 ms.
struct Speakers : ::testing::Test {
  struct Person {
    HeardPublication heard;
    std::uint8_t level = 127;
    bool sends = true;
    LoudnessMeter meter;
    std::atomic<std::uint64_t> word{0};
  };
  TimePoint now{1h};
  ActiveSpeakers speakers;
  std::vector<std::unique_ptr<Person>> people;
  std::vector<ActiveSpeakers::Change> changes;
  std::uint32_t random = 7;

  Person& enter(const std::string& name, const std::string& room = "r") {
    people.push_back(std::make_unique<Person>());
    people.back()->heard = {RoomId(room), PeerId(name), ProducerId("mic-" + name), std::nullopt};
    return *people.back();
  }
  void pass(Duration time) {
    for (const TimePoint end = now + time; now < end;) {
      for (int packet = 0; packet < 10; ++packet) {
        for (const auto& person : people) {
          if (person->sends) person->meter.on_packet({1, 1}, person->level, person->word);
        }
      }
      now += 200ms;
      look();
    }
  }
  void look() {
    std::vector<HeardPublication> heard;
    for (const auto& person : people) {
      heard.push_back(person->heard);
      const Loudness level = Loudness::unpack(person->word.load());
      if (level.packets != 0) heard.back().level = level;
    }
    for (ActiveSpeakers::Change& change : speakers.update(now, heard)) changes.push_back(std::move(change));
  }
  std::string floor(const std::string& room = "r") {
    const auto peer = speakers.speaker_of(RoomId(room));
    return peer ? peer->value : "";
  }
};
constexpr std::uint8_t speech = 25;
constexpr std::uint8_t quiet_speech = 40;
constexpr std::uint8_t noise = 70;

TEST_F(Speakers, nobody_speaks_in_a_quiet_room) {
  enter("a").level = noise;
  enter("b").level = 127;
  enter("c").sends = false;
  pass(30s);
  EXPECT_EQ(floor(), "");
  EXPECT_TRUE(changes.empty());
}

TEST_F(Speakers, who_speaks_has_the_floor_within_a_second_and_keeps_it_over_pauses) {
  Person& a = enter("a");
  enter("b").level = noise;
  pass(1s);
  a.level = speech;
  pass(1s);
  EXPECT_EQ(floor(), "a");
  for (int i = 0; i < 5; ++i) {
    a.level = 127;
    pass(800ms);
    a.level = speech;
    pass(1200ms);
  }
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_EQ(changes[0], (ActiveSpeakers::Change{RoomId("r"), PeerId("a"), ProducerId("mic-a"), std::nullopt}));
}

TEST_F(Speakers, a_cough_does_not_take_the_floor) {
  Person& a = enter("a");
  Person& b = enter("b");
  a.level = quiet_speech;
  pass(3s);
  b.level = 5;
  pass(200ms);
  b.level = 127;
  pass(5s);
  EXPECT_EQ(floor(), "a");
  EXPECT_EQ(changes.size(), 1U);
}

TEST_F(Speakers, the_next_one_takes_over_soon_after_the_last_one_stopped) {
  Person& a = enter("a");
  Person& b = enter("b");
  a.level = speech;
  pass(5s);
  a.level = 127;
  b.level = speech;
  pass(2s);
  EXPECT_EQ(floor(), "b");
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[1].before, PeerId("a"));
}

TEST_F(Speakers, two_who_speak_at_once_do_not_flicker) {
  Person& a = enter("a");
  Person& b = enter("b");
  const auto next = [this](std::uint32_t of) { return (random = random * 1664525U + 1013904223U) >> 20U & (of - 1); };
  for (int i = 0; i < 300; ++i) {  // a minute
    a.level = static_cast<std::uint8_t>(speech + next(8));
    b.level = static_cast<std::uint8_t>(speech + next(8));
    pass(200ms);
  }
  EXPECT_LE(changes.size(), 4U);
  EXPECT_NE(floor(), "");
}

TEST_F(Speakers, nothing_changes_oftener_than_the_tenure_allows) {
  Person& a = enter("a");
  Person& b = enter("b");
  const auto next = [this](std::uint32_t of) { return (random = random * 1664525U + 1013904223U) >> 20U & (of - 1); };
  std::vector<TimePoint> times;
  for (int i = 0; i < 2000; ++i) {
    if (next(4) == 0) a.level = next(2) == 0 ? speech : std::uint8_t{127};
    if (next(4) == 0) b.level = next(2) == 0 ? speech : std::uint8_t{127};
    const std::size_t before = changes.size();
    pass(200ms);
    if (changes.size() > before) times.push_back(now);
  }
  EXPECT_GT(times.size(), 10U);
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_GE(times[i] - times[i - 1], 400ms);
}

TEST_F(Speakers, after_a_long_silence_the_floor_is_free) {
  Person& a = enter("a");
  a.level = speech;
  pass(3s);
  a.level = 127;
  pass(8s);
  EXPECT_EQ(floor(), "a");
  pass(8s);
  EXPECT_EQ(floor(), "");
  EXPECT_EQ(changes.back(), (ActiveSpeakers::Change{RoomId("r"), std::nullopt, std::nullopt, PeerId("a")}));
}

TEST_F(Speakers, who_stops_sending_is_silent_whatever_its_last_packet_said) {
  Person& a = enter("a");
  Person& b = enter("b");
  a.level = 0;
  pass(3s);
  a.sends = false;  // muted by a moderator: nothing is let through any more
  b.level = quiet_speech;
  pass(4s);
  EXPECT_EQ(floor(), "b");
}

TEST_F(Speakers, who_leaves_loses_the_floor_at_once) {
  enter("a").level = speech;
  pass(3s);
  people.clear();
  look();
  EXPECT_EQ(floor(), "");
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[1].before, PeerId("a"));
  EXPECT_FALSE(changes[1].peer);
}

TEST_F(Speakers, rooms_do_not_hear_each_other) {
  enter("a", "r").level = quiet_speech;
  enter("b", "s").level = speech;
  pass(3s);
  EXPECT_EQ(floor("r"), "a");
  EXPECT_EQ(floor("s"), "b");
}

TEST_F(Speakers, a_successor_of_control_hears_only_what_comes_after_its_start) {
  Person& a = enter("a");
  a.level = speech;
  pass(3s);
  a.sends = false;
  speakers = ActiveSpeakers();
  changes.clear();
  for (int i = 0; i < 20; ++i) {
    now += 200ms;
    look();
  }
  EXPECT_TRUE(changes.empty());
}

TEST_F(Speakers, the_interval_of_looking_is_free) {
  for (const Duration interval : {50ms, 100ms, 500ms, 1000ms}) {
    ActiveSpeakers machine;
    TimePoint time{1h};
    std::uint32_t packets = 0;
    TimePoint taken{};
    for (int i = 0; i * interval < 5s; ++i) {
      const HeardPublication heard{RoomId("r"), PeerId("a"), ProducerId("m"), Loudness{1, speech, true, ++packets}};
      if (!machine.update(time, std::span(&heard, 1)).empty()) taken = time;
      time += interval;
    }
    EXPECT_GE(taken - TimePoint{1h}, 400ms);
    EXPECT_LE(taken - TimePoint{1h}, 2s);
  }
}

}  // namespace
}  // namespace sluice
