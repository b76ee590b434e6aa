#include "shm/state_log/state_log.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/support/doomed_child.hpp"

namespace sluice {
namespace {

using Model = std::map<std::string, std::string>;

constexpr std::size_t small_region = 64 * 1024;

Region region(std::size_t size = small_region) {
  return *Region::create("state", size);
}

StateLog reopened(const StateLog& log) {
  auto opened = StateLog::open(*Region::map(log.fd(), Access::read_write));
  EXPECT_TRUE(opened);
  return std::move(*opened);
}

Model contents(const StateLog& log) {
  Model all;
  log.for_each([&](std::string_view key, Bytes value) { all.emplace(key, as_text(value)); });
  EXPECT_EQ(all.size(), log.size());
  return all;
}

TEST(StateLog, is_empty_in_a_new_region_and_finds_what_was_put_when_opened_again) {
  auto log = StateLog::open(region());
  ASSERT_TRUE(log);
  EXPECT_EQ(log->size(), 0U);
  ASSERT_TRUE(log->put("room/1", as_bytes("one")));
  ASSERT_TRUE(log->put("room/2", as_bytes("two")));
  ASSERT_TRUE(log->put("peer/1", as_bytes("")));
  ASSERT_TRUE(log->put("room/1", as_bytes("uno")));
  EXPECT_TRUE(log->erase("room/2"));
  EXPECT_FALSE(log->erase("room/2"));
  const Model expected{{"room/1", "uno"}, {"peer/1", ""}};
  EXPECT_EQ(contents(*log), expected);
  const StateLog again = reopened(*log);
  EXPECT_EQ(contents(again), expected);
  EXPECT_FALSE(again.damaged());
  EXPECT_EQ(again.live_bytes(), log->live_bytes());
  ASSERT_TRUE(again.get("room/1"));
  EXPECT_EQ(as_text(*again.get("room/1")), "uno");
  EXPECT_FALSE(again.get("room/2"));
}

TEST(StateLog, visits_the_keys_of_a_prefix_in_order) {
  auto log = StateLog::open(region());
  for (const char* key : {"b/2", "a/9", "b/1", "b", "c/1", "b/10"}) ASSERT_TRUE(log->put(key, as_bytes(key)));
  std::vector<std::string> seen;
  log->for_each("b/", [&](std::string_view key, Bytes value) {
    EXPECT_EQ(key, as_text(value));
    seen.emplace_back(key);
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"b/1", "b/10", "b/2"}));
}

TEST(StateLog, equals_a_map_after_any_operations_over_many_compactions) {
  auto log = StateLog::open(region());
  Model model;
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const std::string key = "key/" + std::to_string(random() % 60);
    if (random() % 4 == 0) {
      EXPECT_EQ(log->erase(key), model.erase(key) == 1);
    } else {
      const std::string value(random() % 400, static_cast<char>('a' + random() % 26));
      if (log->put(key, as_bytes(value))) model[key] = value;
    }
    if (i % 997 == 0) {
      *log = reopened(*log);
      ASSERT_EQ(contents(*log), model);
    }
  }
  EXPECT_EQ(contents(*log), model);
  EXPECT_EQ(contents(reopened(*log)), model);
}

TEST(StateLog, applies_batches_as_one_over_many_compactions) {
  auto log = StateLog::open(region());
  Model model;
  std::mt19937 random(11);
  for (int i = 0; i < 3000; ++i) {
    Model before = model;
    std::vector<std::string> keys, values;
    for (std::uint32_t k = 0; k < 40; ++k) {
      if (random() % 8 == 0) {
        keys.push_back("key/" + std::to_string(k));
        values.emplace_back(random() % 700, static_cast<char>('a' + random() % 26));
      }
    }
    std::vector<StateChange> changes;
    for (std::size_t k = 0; k < keys.size(); ++k) {
      const bool forget = random() % 3 == 0;
      changes.push_back({keys[k], forget ? std::nullopt : std::optional(as_bytes(values[k]))});
      if (forget) {
        model.erase(keys[k]);
      } else {
        model[keys[k]] = values[k];
      }
    }
    if (!log->apply(changes)) model = before;
    if (i % 97 == 0) *log = reopened(*log);
    ASSERT_EQ(contents(*log), model);
  }
  EXPECT_GT(log->compactions(), 0U);  // since it was opened last
  EXPECT_EQ(contents(reopened(*log)), model);
  EXPECT_EQ(reopened(*log).live_bytes(), log->live_bytes());
}

TEST(StateLog, is_full_by_value_keeps_what_it_has_and_takes_more_after_an_erase) {
  auto log = StateLog::open(region());
  const std::string value(1000, 'x');
  Model model;
  for (int i = 0;; ++i) {
    ASSERT_LT(i, 100);
    const std::string key = std::to_string(i);
    const auto put = log->put(key, as_bytes(value));
    if (!put) {
      EXPECT_EQ(put.error(), StateLogError::full);
      break;
    }
    model[key] = value;
  }
  EXPECT_LE(log->live_bytes(), log->capacity_bytes());
  // A put of what is there already needs no more live room, however often.
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(log->put("0", as_bytes(value)));
  EXPECT_GT(log->compactions(), 0U);
  EXPECT_EQ(contents(reopened(*log)), model);
  EXPECT_TRUE(log->erase("1"));
  EXPECT_TRUE(log->put("new", as_bytes(value)));
  for (const auto& [key, held] : contents(*log)) EXPECT_TRUE(log->erase(key));
  EXPECT_EQ(log->live_bytes(), 0U);
  EXPECT_EQ(reopened(*log).size(), 0U);
}

TEST(StateLog, refuses_oversized_and_empty_keys_and_oversized_values) {
  auto log = StateLog::open(region(4 << 20));
  EXPECT_EQ(log->put(std::string(1025, 'k'), {}).error(), StateLogError::too_large);
  EXPECT_EQ(log->put("", {}).error(), StateLogError::too_large);
  const std::vector<std::byte> large((1 << 20) + 1);
  EXPECT_EQ(log->put("k", large).error(), StateLogError::too_large);
  EXPECT_TRUE(log->put(std::string(1024, 'k'), Bytes(large).first(1 << 20)));
  EXPECT_EQ(reopened(*log).size(), 1U);
}

TEST(StateLog, may_be_given_its_own_bytes) {
  auto log = StateLog::open(region());
  ASSERT_TRUE(log->put("a", as_bytes(std::string(3000, 'v'))));
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(log->put("b", *log->get("a")));
    ASSERT_TRUE(log->put("a", *log->get("b")));
  }
  EXPECT_GT(log->compactions(), 0U);
  EXPECT_EQ(as_text(*log->get("b")), std::string(3000, 'v'));
}

// Every operation of a script that appends, replaces, erases and compacts; the process dies at each step of it.
TEST(StateLog, holds_each_operation_wholly_or_not_at_all_whenever_its_writer_dies) {
  struct Operation {
    std::string key;
    std::optional<std::string> value;  // nothing: erase
  };
  std::vector<Operation> script;
  std::mt19937 random(3);
  for (int i = 0; i < 60; ++i) {
    const std::string key(1, static_cast<char>('a' + random() % 8));
    if (i % 5 == 4) {
      script.push_back({key, std::nullopt});
    } else {
      script.push_back({key, std::string(1000 + random() % 900, static_cast<char>('0' + i))});
    }
  }
  std::vector<Model> after{{}};  // after[n]: the state after n operations
  for (const Operation& operation : script) {
    Model model = after.back();
    if (operation.value) {
      model[operation.key] = *operation.value;
    } else {
      model.erase(operation.key);
    }
    after.push_back(model);
  }

  auto progress_region = *Region::create("progress", 4096);
  auto& progress = *std::launder(reinterpret_cast<std::atomic<std::uint64_t>*>(progress_region.bytes().data()));
  const unsigned steps = test::for_every_fatal_step([&](unsigned fatal) {
    progress = 0;
    const Region memory = region();
    const auto end = test::run_doomed(fatal, [&](auto step) {
      auto log = StateLog::open(*Region::map(memory.fd(), Access::read_write));
      for (const Operation& operation : script) {
        const bool worked = operation.value ? log->put(operation.key, as_bytes(*operation.value), step).has_value()
                                            : (log->erase(operation.key, step), true);
        if (!worked) _exit(1);
        progress.fetch_add(1);
      }
      if (log->compactions() == 0) _exit(1);
    });
    auto found = StateLog::open(*Region::map(memory.fd(), Access::read_write));
    EXPECT_TRUE(found);
    EXPECT_FALSE(found->damaged());
    const Model model = contents(*found);
    const std::uint64_t done = progress;
    EXPECT_TRUE(model == after[done] || (done + 1 < after.size() && model == after[done + 1])) << fatal;
    // And the successor can go on.
    EXPECT_TRUE(found->put("after", as_bytes("life")));
    EXPECT_EQ(reopened(*found).size(), model.size() + 1);
    return end;
  });
  EXPECT_GT(steps, 100U);
}

TEST(StateLog, has_a_batch_wholly_or_not_at_all_wherever_its_writer_dies) {
  // Batch n sets every key to n, but forgets the n-th: a mixture of two batches cannot look like either.
  constexpr int keys = 5;
  const auto batch = [](StateLog& log, int n, auto step) {
    std::vector<std::string> names, values;
    for (int k = 0; k < keys; ++k) {
      names.push_back("key/" + std::to_string(k));
      values.emplace_back(900, static_cast<char>('a' + n));
    }
    std::vector<StateChange> changes;
    for (int k = 0; k < keys; ++k) {
      const auto at = static_cast<std::size_t>(k);
      changes.push_back({names[at], k == n % keys ? std::nullopt : std::optional(as_bytes(values[at]))});
    }
    return log.apply(changes, step).has_value();
  };
  const auto expected = [](int n) {
    Model model;
    for (int k = 0; n >= 0 && k < keys; ++k) {
      if (k != n % keys) model["key/" + std::to_string(k)] = std::string(900, static_cast<char>('a' + n));
    }
    return model;
  };
  auto progress_region = *Region::create("progress", 4096);
  auto& progress = *std::launder(reinterpret_cast<std::atomic<std::int64_t>*>(progress_region.bytes().data()));
  const unsigned steps = test::for_every_fatal_step([&](unsigned fatal) {
    progress = -1;
    const Region memory = region();
    const auto end = test::run_doomed(fatal, [&](auto step) {
      auto log = StateLog::open(*Region::map(memory.fd(), Access::read_write));
      for (int n = 0; n < 20; ++n) {
        if (!batch(*log, n, step)) _exit(1);
        progress = n;
      }
      if (log->compactions() == 0) _exit(1);
    });
    auto found = StateLog::open(*Region::map(memory.fd(), Access::read_write));
    EXPECT_TRUE(found);
    const Model model = contents(*found);
    const int done = static_cast<int>(progress);
    EXPECT_TRUE(model == expected(done) || model == expected(done + 1)) << fatal;
    EXPECT_TRUE(batch(*found, 25, NoSteps{}));
    EXPECT_EQ(contents(reopened(*found)), expected(25));
    return end;
  });
  EXPECT_GT(steps, 80U);
}

TEST(StateLog, keeps_the_records_before_a_damaged_one) {
  auto memory = region();
  const Region view = *Region::map(memory.fd(), Access::read_write);
  auto log = StateLog::open(std::move(memory));
  ASSERT_TRUE(log->put("first", as_bytes("1")));
  const std::size_t second_at = StateLogLayout::prologue_bytes + StateRecord::footprint(5, 1);
  ASSERT_TRUE(log->put("second", as_bytes("2")));
  ASSERT_TRUE(log->put("third", as_bytes("3")));
  const std::size_t second_size = StateRecord::footprint(6, 1);
  for (std::size_t i = 0; i < second_size; ++i) {
    auto writable = *Region::map(view.fd(), Access::read_write);
    writable.bytes()[second_at + i] ^= std::byte{0x40};
    const StateLog found = reopened(*log);
    EXPECT_TRUE(found.damaged()) << i;
    EXPECT_EQ(contents(found), (Model{{"first", "1"}})) << i;
    writable.bytes()[second_at + i] ^= std::byte{0x40};
  }
  EXPECT_EQ(reopened(*log).size(), 3U);
}

TEST(StateLog, refuses_impossible_headers_and_formats_on_request) {
  const auto spoilt = [](auto spoil) {
    Region memory = region();
    auto log = StateLog::open(*Region::map(memory.fd(), Access::read_write));
    EXPECT_TRUE(log->put("key", as_bytes("value")));
    spoil(*std::launder(reinterpret_cast<StateLogLayout*>(memory.bytes().data())));
    return memory;
  };
  const auto fault = [](Region memory) {
    const auto opened = StateLog::open(std::move(memory));
    return opened ? std::optional<RegionFault>() : opened.error().fault;
  };
  EXPECT_EQ(fault(spoilt([](StateLogLayout& l) { l.active = 2; })), RegionFault::corrupt);
  EXPECT_EQ(fault(spoilt([](StateLogLayout& l) { l.tails[0] = small_region; })), RegionFault::corrupt);
  EXPECT_EQ(fault(spoilt([](StateLogLayout& l) { l.tails[0] = 13; })), RegionFault::corrupt);
  EXPECT_EQ(fault(spoilt([](StateLogLayout& l) { l.header.layout_hash ^= 1; })), RegionFault::wrong_layout_hash);
  EXPECT_EQ(fault(*Region::create("tiny", 4096)), RegionFault::too_small);
  auto fresh = StateLog::format(spoilt([](StateLogLayout& l) { l.active = 2; }));
  ASSERT_TRUE(fresh);
  EXPECT_EQ(fresh->size(), 0U);
  EXPECT_TRUE(fresh->put("key", as_bytes("value")));
  EXPECT_EQ(reopened(*fresh).size(), 1U);
}

}  // namespace
}  // namespace sluice
