#include "control/compliance/retention/retention_policy.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/memory_store.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t day = 24LL * 3600 * 1000;

struct Retention : ::testing::Test {
  std::unique_ptr<RetentionPolicy> make() {
    return std::make_unique<RetentionPolicy>(
        store, bus, RetentionOptions{}, [this] { return unix_ms; },
        [this](const std::string& path) {
          deleted.push_back(path);
          return true;
        });
  }
  std::int64_t unix_ms = 1'714'000'000'000;
  Bus bus;
  testing_support::MemoryStore store;
  std::vector<std::string> deleted;
  std::unique_ptr<RetentionPolicy> policy = make();
  std::vector<std::string> facts;
  Bus::Subscription on_expired = bus.subscribe<DataExpired>(
      [this](const DataExpired& fact) { facts.push_back("expired " + fact.record.id + " " + fact.reason); });
  Bus::Subscription on_held =
      bus.subscribe<RecordHeld>([this](const RecordHeld& fact) { facts.push_back("held " + fact.record.id); });
  Bus::Subscription on_purged = bus.subscribe<DataPurged>([this](const DataPurged& fact) {
    facts.push_back("purged " + fact.sub + " " + std::to_string(fact.purged) + " " + std::to_string(fact.held));
  });
  Bus::Subscription on_complete = bus.subscribe<PurgeCompleted>([this](const PurgeCompleted& fact) {
    facts.push_back("complete " + std::to_string(fact.purged) + " " + std::to_string(fact.held));
  });
  Bus::Subscription on_hold = bus.subscribe<LegalHoldChanged>(
      [this](const LegalHoldChanged& fact) { facts.push_back((fact.placed ? "placed " : "released ") + fact.sub); });
};

TEST_F(Retention, each_type_has_its_time) {
  EXPECT_EQ(policy->add("a", "recording", "s", {})->expires_at, unix_ms + 90 * day);
  EXPECT_EQ(policy->add("b", "auditLog", "s", {})->expires_at, unix_ms + 365 * day);
  for (const char* type : {"session", "room", "something else"}) {
    EXPECT_EQ(policy->add(type, type, "s", {})->expires_at, unix_ms + 30 * day) << type;
  }
  const auto record = policy->add("a", "session", "t", {{"k", 1}});
  EXPECT_EQ(policy->records_for("t").size(), 1U) << "the same id replaces";
  EXPECT_EQ(record->to_json(), (nlohmann::json{{"id", "a"},
                                               {"type", "session"},
                                               {"sub", "t"},
                                               {"expiresAt", unix_ms + 30 * day},
                                               {"meta", {{"k", 1}}},
                                               {"legalHold", false}}));
}

TEST_F(Retention, purging_deletes_what_is_expired_and_not_held) {
  policy->add("rec", "recording", "alice", {{"path", "/recordings/x.webm"}});
  policy->add("old", "session", "alice", {});
  policy->add("kept", "session", "bob", {});
  policy->place_legal_hold("bob");
  unix_ms += 91 * day;
  policy->add("new", "session", "carol", {});
  facts.clear();

  const auto dry = policy->purge_expired(true);
  EXPECT_EQ(dry.purged, 2U);
  EXPECT_EQ(dry.held, 1U);
  EXPECT_EQ(dry.skipped, 1U);
  EXPECT_TRUE(facts.empty());
  EXPECT_TRUE(deleted.empty());

  const auto purged = policy->purge_expired();
  EXPECT_EQ(purged.purged, 2U);
  EXPECT_EQ(purged.held, 1U);
  EXPECT_EQ(purged.skipped, 1U);
  EXPECT_EQ(deleted, std::vector<std::string>{"/recordings/x.webm"});
  EXPECT_EQ(facts, (std::vector<std::string>{"held kept", "expired old expiry", "expired rec expiry", "complete 2 1"}));
  EXPECT_EQ(policy->statistics().total, 2U);
}

TEST_F(Retention, a_subject_can_be_erased) {
  policy->add("a", "session", "alice", {});
  policy->add("b", "recording", "alice", {{"path", "/r"}});
  policy->add("c", "session", "bob", {});
  const auto purged = policy->purge_subject("alice");
  EXPECT_EQ(purged.purged, 2U);
  EXPECT_EQ(deleted, std::vector<std::string>{"/r"});
  EXPECT_EQ(facts, (std::vector<std::string>{"expired a purge", "expired b purge", "purged alice 2 0"}));
  policy->place_legal_hold("bob");
  EXPECT_EQ(policy->purge_subject("bob").held, 1U);
  EXPECT_EQ(policy->records_for("bob").size(), 1U);
}

TEST_F(Retention, a_legal_hold_covers_later_records_too_and_survives_everything) {
  policy->place_legal_hold("alice");
  policy->place_legal_hold("alice");
  EXPECT_TRUE(policy->add("a", "session", "alice", {})->legal_hold);
  EXPECT_EQ(policy->anonymise("alice"), 0U) << "anonymisation, too";
  policy = make();
  EXPECT_TRUE(policy->add("b", "session", "alice", {})->legal_hold) << "also a restart";
  EXPECT_EQ(policy->statistics().legal_hold_subjects, std::vector<std::string>{"alice"});
  EXPECT_EQ(policy->statistics().held, 2U);
  policy->release_legal_hold("alice");
  policy->release_legal_hold("alice");
  EXPECT_EQ(policy->statistics().held, 0U);
  EXPECT_EQ(facts, (std::vector<std::string>{"placed alice", "released alice"}));
}

TEST_F(Retention, a_subject_can_be_made_anonymous) {
  policy->add("a", "session", "alice", {});
  EXPECT_EQ(policy->anonymise("alice"), 1U);
  EXPECT_TRUE(policy->records_for("alice").empty());
  EXPECT_EQ(policy->records_for("anon:2bd806c97f0e00af").size(), 1U);  // printf alice | sha256sum
}

TEST_F(Retention, records_survive_a_restart_and_damaged_ones_do_not) {
  policy->add("a", "session", "alice", {{"roomId", "r"}});
  store.rows["retention"]["bad"] = "{\"id\":1}";
  store.rows["retention"]["worse"] = "not json";
  policy = make();
  ASSERT_EQ(policy->records_for("alice").size(), 1U);
  EXPECT_EQ(policy->records_for("alice")[0].meta["roomId"], "r");
  EXPECT_EQ(store.rows["retention"].size(), 1U);
}

TEST_F(Retention, what_expires_soon_can_be_listed) {
  policy->add("a", "session", "alice", {});
  policy->add("b", "recording", "alice", {});
  EXPECT_EQ(policy->expiring_within(31 * day).size(), 1U);
  EXPECT_EQ(policy->expiring_within(91 * day).size(), 2U);
  policy->place_legal_hold("alice");
  EXPECT_TRUE(policy->expiring_within(91 * day).empty());
}

TEST_F(Retention, the_sweep_purges_by_itself) {
  policy->add("a", "session", "alice", {});
  unix_ms += 31 * day;
  TimePoint now = TimePoint{} + 10s;
  policy->handle_timeout(now);
  EXPECT_EQ(policy->next_deadline(), now + 1h);
  policy->handle_timeout(now + 59min);
  EXPECT_EQ(policy->statistics().total, 1U);
  policy->handle_timeout(now + 1h);
  EXPECT_EQ(policy->statistics().total, 0U);
}

}  // namespace
}  // namespace sluice
