// Every rule of the packet path (hardening.md section 2) attacked in a running call. What must hold after each attack:
//
//  - Not one byte of what the worker keeps differs: records, live tables, desired state, deadline, pool, what it told
//  control
//    and the handshaker. Not one datagram was sent.
//  - The counters named by the attack rose by one for each datagram, and no other counter moved.
//  - The call goes on for a while exactly like the same call without the attack: every datagram that leaves is the
//    same, at the same time, to the same address. So nothing has changed either in what no record shows.
//
// Exceptions, all of them: authentic SRTP and SRTCP moves the replay windows of its own sender (attacks of insiders); its
// live-table totals count it. A retransmitted check from a proven tuple is answered again and counted against its budget of
// 50 a second (hijack_consent_test.cpp). DTLS from a proven tuple goes to the handshaker, 64 datagrams a second.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <set>

#include "tests/sim/hijack_rules.hpp"

namespace sluice::sim {
namespace {

std::vector<Attack> all_attacks() {
  std::vector<Attack> all;
  for (auto* attacks : {stun_attacks, datagram_attacks, media_attacks, insider_attacks}) {
    for (Attack& attack : attacks()) all.push_back(std::move(attack));
  }
  return all;
}

struct Row {
  Attack attack;
  bool gcm;
};

std::vector<Row> rows() {
  std::vector<Row> out;
  for (const Attack& attack : all_attacks()) {
    out.push_back({attack, true});
    out.push_back({attack, false});
  }
  return out;
}

std::string name_of(const testing::TestParamInfo<Row>& info) {
  std::string name;
  bool upper = true;
  for (const char c : info.param.attack.name) {
    const bool letter = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (letter) name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = !letter;
  }
  return name + (info.param.gcm ? "_gcm" : "_cm");
}

class Hijack : public testing::TestWithParam<Row> {};

TEST_P(Hijack, LeavesNoTraceAndGetsNoAnswer) {
  const Attack& attack = GetParam().attack;
  SCOPED_TRACE(std::string(rule_texts[static_cast<std::size_t>(attack.rule)].says));
  HostileScene scene(GetParam().gcm);
  HostileScene peaceful(GetParam().gcm);
  if (attack.prepare) {
    attack.prepare(scene);
    attack.prepare(peaceful);
  }
  const std::vector<HostileDatagram> datagrams = attack.datagrams(scene);
  (void)attack.datagrams(peaceful);  // the attacker's own machinery is in both worlds
  ASSERT_FALSE(datagrams.empty());
  SimWorld& world = scene.world;
  ASSERT_TRUE(Image::of(peaceful.world).difference(Image::of(world)).empty())
      << "the two worlds are not alike to begin with";
  ASSERT_EQ(peaceful.heard, scene.heard);
  const auto allowed =
      attack.attacker == Attacker::insider ? HostileScene::replay_window_of(scene.alice) : std::vector<AllowedChange>{};

  const Image before = Image::of(world);
  std::set<Counter> moved;
  for (const HostileDatagram& datagram : datagrams) {
    const CounterSnapshot counters = world.memory.counters->snapshot();
    Packet bytes = datagram.bytes;
    world.core.handle_datagram(world.now, datagram.from, bytes);
    world.core.flush(world.now);
    const CounterSnapshot change = world.memory.counters->snapshot().since(counters);
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < counter_count; ++i) {
      if (change.values[i] == 0) continue;
      moved.insert(static_cast<Counter>(i));
      sum += change.values[i];
    }
    ASSERT_EQ(sum, attack.counters.empty() ? 0U : 1U) << "datagram of " << datagram.bytes.size() << " bytes";
  }
  for (const Counter counter : moved) {
    EXPECT_NE(std::find(attack.counters.begin(), attack.counters.end(), counter), attack.counters.end())
        << info(counter).id << " moved";
  }
  for (const Counter counter : attack.counters) EXPECT_TRUE(moved.contains(counter)) << info(counter).id << " did not move";
  ASSERT_EQ(before.difference(Image::of(world), allowed), "");

  // And what comes is what would have come.
  world.run_for(std::chrono::milliseconds(600));
  peaceful.world.run_for(std::chrono::milliseconds(600));
  EXPECT_EQ(scene.heard, peaceful.heard) << "the call goes on in another way";
  if (attack.attacker == Attacker::anyone) {
    EXPECT_EQ(Image::of(peaceful.world).difference(Image::of(world)), "");
  }
  EXPECT_GT(world.counter(Counter::forwarded_packets), before.counters[Counter::forwarded_packets] + 100);
}

INSTANTIATE_TEST_SUITE_P(Rules, Hijack, testing::ValuesIn(rows()), name_of);

TEST(HijackRules, EveryRuleIsAttacked) {
  std::set<Rule> attacked;
  std::set<std::string_view> names;
  for (const Attack& attack : all_attacks()) {
    attacked.insert(attack.rule);
    EXPECT_TRUE(names.insert(attack.name).second) << attack.name;
  }
  for (std::size_t i = 0; i < rule_texts.size(); ++i) {
    EXPECT_EQ(rule_texts[i].rule, static_cast<Rule>(i));
    EXPECT_TRUE(attacked.contains(rule_texts[i].rule)) << "no attack on: " << rule_texts[i].says;
  }
}

}  // namespace
}  // namespace sluice::sim
