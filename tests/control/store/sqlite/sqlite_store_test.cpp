#include "control/store/sqlite/sqlite_store.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fcntl.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "tests/control/store/store_rows.hpp"
#include "tests/support/scratch_folder.hpp"

namespace sluice {
namespace {

struct SqliteStoreFixture : ::testing::Test {
  StateLog log() { return *StateLog::open(*Region::map(region.fd(), Access::read_write)); }
  [[nodiscard]] SqliteStoreOptions options() const {
    SqliteStoreOptions result;
    result.path = folder / "sluice.db";
    result.retry = std::chrono::milliseconds(5);
    return result;
  }
  /// Lets the writer work until it answers.
  static bool flushed(SqliteStore& store) {
    std::optional<bool> answer;
    store.flush([&](bool durable) { answer = durable; });
    while (!answer) {
      pollfd waiting{store.fd(), POLLIN, 0};
      if (::poll(&waiting, 1, 30'000) <= 0) {
        ADD_FAILURE() << "the writer does not answer";
        return false;
      }
      store.drain();
    }
    return *answer;
  }

  test::ScratchFolder scratch;
  std::filesystem::path folder = scratch.path();
  Region region = *Region::create("journal", std::size_t{1} << 20U);
};

TEST_F(SqliteStoreFixture, rows_are_on_the_disk_after_a_flush_and_leave_the_journal) {
  StateLog journal = log();
  {
    SqliteStore store(options(), journal);
    store.begin();
    store.put("bans", "10.0.0.1", "until");
    store.put("bans", "10.0.0.2", std::string("\0\xff binary", 9));
    store.put("bans", "10.0.0.3", "gone");
    store.erase("bans", "10.0.0.3");
    store.put("consents", "10.0.0.1", "");
    EXPECT_EQ(journal.size(), 4U);
    EXPECT_TRUE(flushed(store));
    EXPECT_EQ(journal.size(), 0U);
    EXPECT_EQ(store.statistics().waiting, 0U);
    EXPECT_EQ(store.statistics().puts, 4U);
    EXPECT_EQ(store.statistics().erases, 1U);
    EXPECT_TRUE(store.statistics().healthy);
  }
  const SqliteStore again(options(), journal);
  EXPECT_EQ(rows(again, "bans"), (Rows{{"10.0.0.1", "until"}, {"10.0.0.2", std::string("\0\xff binary", 9)}}));
  EXPECT_EQ(rows(again, "consents"), (Rows{{"10.0.0.1", ""}}));
}

TEST_F(SqliteStoreFixture, many_changes_share_one_commit) {
  StateLog journal = log();
  SqliteStore store(options(), journal);
  for (int i = 0; i < 1000; ++i) store.put("replay", std::to_string(i), "event");
  store.begin();
  EXPECT_TRUE(flushed(store));
  EXPECT_EQ(store.statistics().commits, 1U);
}

TEST_F(SqliteStoreFixture, a_successor_finds_what_the_writer_had_no_time_for) {
  {
    StateLog journal = log();
    SqliteStore store(options(), journal);
    store.begin();
    store.put("bans", "a", "old");
    store.put("bans", "b", "old");
    ASSERT_TRUE(flushed(store));
  }
  const pid_t child = ::fork();
  if (child == 0) {  // killed before its writer has even begun
    StateLog journal = log();
    SqliteStore store(options(), journal);
    store.put("bans", "a", "new");
    store.put("bans", "c", "new");
    store.erase("bans", "b");
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  StateLog journal = log();
  EXPECT_EQ(journal.size(), 3U);
  SqliteStore store(options(), journal);
  EXPECT_EQ(rows(store, "bans"), (Rows{{"a", "new"}, {"c", "new"}}));
  store.begin();
  EXPECT_TRUE(flushed(store));
  EXPECT_EQ(journal.size(), 0U);
}

TEST_F(SqliteStoreFixture, a_change_made_while_an_older_one_is_written_stays_in_the_journal) {
  StateLog journal = log();
  SqliteStore store(options(), journal);
  store.begin();
  for (int round = 0; round < 200; ++round) {
    store.put("bans", "a", std::to_string(round));
    bool answered = false;
    store.flush([&](bool) { answered = true; });
    store.put("bans", "a", std::to_string(round) + "b");
    // Whatever the writer has done by now: it is on the disk and answered, or in the journal.
    while (!answered) {
      pollfd waiting{store.fd(), POLLIN, 0};
      ASSERT_GT(::poll(&waiting, 1, 30'000), 0);
      store.drain();
    }
    if (store.statistics().waiting > 0) {
      ASSERT_EQ(journal.size(), 1U);
      EXPECT_EQ(as_text(*journal.get("store/bans/a")), "P" + std::to_string(round) + "b");
    }
  }
  EXPECT_TRUE(flushed(store));
  EXPECT_EQ(journal.size(), 0U);
}

TEST_F(SqliteStoreFixture, a_file_that_is_no_database_is_set_aside) {
  std::ofstream(folder / "sluice.db") << std::string(8192, 'x');
  StateLog journal = log();
  SqliteStore store(options(), journal);
  store.begin();
  store.put("bans", "a", "1");
  EXPECT_TRUE(flushed(store));
  EXPECT_EQ(store.statistics().set_aside, 1U);
  EXPECT_TRUE(store.statistics().healthy);
  std::size_t kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("sluice.db.damaged-")) kept += entry.file_size();
  }
  EXPECT_EQ(kept, 8192U);
}

TEST_F(SqliteStoreFixture, a_page_broken_inside_is_found_and_the_server_goes_on) {
  {
    StateLog journal = log();
    SqliteStore store(options(), journal);
    store.begin();
    for (int i = 0; i < 2000; ++i) store.put("replay", "key" + std::to_string(i), std::string(100, 'v'));
    ASSERT_TRUE(flushed(store));
  }
  {
    std::fstream file(folder / "sluice.db", std::ios::in | std::ios::out | std::ios::binary);
    for (int page = 2; page < 20; ++page) {
      file.seekp(page * 4096);
      file << std::string(4096, '\xee');
    }
  }
  StateLog journal = log();
  SqliteStore store(options(), journal);
  (void)rows(store, "replay");
  store.begin();
  store.put("bans", "a", "1");
  EXPECT_TRUE(flushed(store));
  EXPECT_EQ(store.statistics().set_aside, 1U);
}

TEST_F(SqliteStoreFixture, a_disk_that_refuses_is_told_and_tried_again) {
  StateLog journal = log();
  SqliteStoreOptions missing = options();
  missing.path = folder / "not-yet" / "sluice.db";
  std::vector<std::string> problems;
  SqliteStore store(missing, journal);
  store.on_health_changed([&](const std::string& problem) { problems.push_back(problem); });
  store.begin();
  store.put("bans", "a", "1");
  EXPECT_FALSE(flushed(store));
  EXPECT_FALSE(store.statistics().healthy);
  EXPECT_GE(store.statistics().failed_commits, 1U);
  EXPECT_EQ(store.statistics().waiting, 1U);
  EXPECT_EQ(journal.size(), 1U);  // a death of this process would lose nothing
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_NE(problems[0], "");

  std::filesystem::create_directory(folder / "not-yet");
  EXPECT_TRUE(flushed(store));
  EXPECT_TRUE(store.statistics().healthy);
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_EQ(problems[1], "");
  EXPECT_EQ(journal.size(), 0U);
}

TEST_F(SqliteStoreFixture, a_full_queue_refuses_what_is_new_and_says_so) {
  StateLog journal = log();
  SqliteStoreOptions small = options();
  small.waiting_bytes_max = 1000;
  SqliteStore store(small, journal);
  store.put("t", "a", std::string(500, 'a'));
  store.put("t", "b", std::string(500, 'b'));
  EXPECT_EQ(store.statistics().refused, 1U);
  store.put("t", "a", std::string(600, 'c'));  // replaces, so it needs no more room
  EXPECT_EQ(store.statistics().refused, 1U);
  store.begin();
  EXPECT_FALSE(flushed(store));  // something before it was lost
  EXPECT_TRUE(flushed(store));
  EXPECT_EQ(store.statistics().waiting, 0U);
}

TEST_F(SqliteStoreFixture, keys_too_long_for_the_journal_still_reach_the_disk) {
  StateLog journal = log();
  const std::string key(3000, 'k');
  {
    SqliteStore store(options(), journal);
    store.begin();
    store.put("t", key, "v");
    EXPECT_EQ(store.statistics().unjournaled, 1U);
    EXPECT_TRUE(flushed(store));
  }
  const SqliteStore again(options(), journal);
  EXPECT_EQ(rows(again, "t"), (Rows{{key, "v"}}));
}

TEST_F(SqliteStoreFixture, works_in_a_folder_that_only_its_descriptor_leads_to) {
  const Descriptor inside(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const std::filesystem::path moved = folder.string() + "-moved";
  StateLog journal = log();
  SqliteStoreOptions by_descriptor = options();
  by_descriptor.path = "/proc/self/fd/" + std::to_string(inside.get()) + "/sluice.db";
  std::filesystem::rename(folder, moved);  // the name is gone, the folder is not
  {
    SqliteStore store(by_descriptor, journal);
    store.begin();
    store.put("t", "a", "1");
    EXPECT_TRUE(flushed(store));
  }
  EXPECT_TRUE(std::filesystem::exists(moved / "sluice.db"));
  std::filesystem::rename(moved, folder);
}

TEST_F(SqliteStoreFixture, a_file_of_a_later_version_is_left_alone) {
  {
    auto database = SqliteDatabase::open(options().path);
    ASSERT_TRUE(database);
  }
  {
    // The version lies at byte 60 of the header, big-endian (https://www.sqlite.org/fileformat2.html, section 1.3).
    std::fstream file(options().path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(63);
    file.put('\x09');
  }
  const auto refused = SqliteDatabase::open(options().path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, SqliteError::Kind::newer);
  EXPECT_EQ(std::filesystem::file_size(options().path) % 4096, 0U);
}

}  // namespace
}  // namespace sluice
