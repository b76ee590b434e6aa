#include "control/security/audit/audit_log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "control/security/audit/audit_verify.hpp"
#include "tests/support/scratch_folder.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Audit : ::testing::Test {
  Audit() { descriptor = Descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

  StateLog journal() { return *StateLog::open(*Region::map(region.fd(), Access::read_write)); }
  AuditLogOptions options(std::uint64_t size_max = 1U << 30U) {
    AuditLogOptions result;
    result.chain_key = "key";
    result.file = AuditFile::Options{descriptor.get(), "audit.ndjson", size_max};
    result.retry = std::chrono::milliseconds(5);
    return result;
  }
  std::unique_ptr<AuditLog> open(StateLog& log, AuditLogOptions with) {
    return std::make_unique<AuditLog>(std::move(with), log, [this] { return ++unix_ms; });
  }
  /// Lets the threads work until `done`.
  static void until(AuditLog& log, const std::function<bool()>& done) {
    while (!done()) {
      pollfd waiting{log.fd(), POLLIN, 0};
      ASSERT_GT(::poll(&waiting, 1, 30'000), 0) << "the threads do not answer";
      log.drain();
    }
  }
  static bool committed(AuditLog& log) {
    std::optional<bool> answer;
    log.commit([&](bool durable) { answer = durable; });
    until(log, [&] { return answer.has_value(); });
    return answer.value_or(false);
  }
  static std::vector<Json> query(AuditLog& log, AuditFilter filter) {
    std::optional<std::optional<std::vector<std::string>>> answer;
    log.query(std::move(filter), [&](std::optional<std::vector<std::string>> lines) { answer = std::move(lines); });
    until(log, [&] { return answer.has_value(); });
    std::vector<Json> result;
    if (answer && *answer) {
      for (const std::string& line : **answer) result.push_back(Json::parse(line));
    }
    return result;
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> result;
    for (const auto& entry : fs::directory_iterator(folder)) result.push_back(entry.path());
    return result;
  }
  static std::string contents(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  test::ScratchFolder scratch;
  fs::path folder = scratch.path();
  Descriptor descriptor;
  Region region = *Region::create("audit", std::size_t{4} << 20U);
  std::atomic<std::int64_t> unix_ms{1'714'000'000'000};  // the writer names full files by it
};

TEST_F(Audit, an_entry_is_one_line_of_json_with_the_contracts_keys_in_order) {
  StateLog journaled = journal();
  const auto log = open(journaled, options());
  log->begin();
  log->log("peer:connected", R"("peerId":"p","ip":"192.0.2.1")");
  log->log("empty", "");
  EXPECT_TRUE(committed(*log));
  const std::string text = contents(folder / "audit.ndjson");
  EXPECT_TRUE(text.starts_with(
      R"({"ts":1714000000001,"service":"webrtc-rooms","event":"peer:connected","peerId":"p","ip":"192.0.2.1","seq":1,"chain":")"))
      << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_EQ(journaled.size(), 0U) << "what is written has left the journal";
}

TEST_F(Audit, addresses_are_redacted_if_so_configured) {
  StateLog journaled = journal();
  AuditLogOptions plain;
  plain.redact_ip = true;
  // printf 192.0.2.1 | sha256sum
  EXPECT_EQ(AuditLog(plain, journaled, [] { return 0; }).address("192.0.2.1"), "ip:37fcff24bf62035b");
  AuditLogOptions keyed = plain;
  keyed.redact_key = "k";
  const std::string hashed = AuditLog(keyed, journaled, [] { return 0; }).address("192.0.2.1");
  EXPECT_EQ(hashed, "ip:d576d687f6b24532");
  EXPECT_EQ(AuditLog({}, journaled, [] { return 0; }).address("192.0.2.1"), "192.0.2.1");
}

TEST_F(Audit, the_ring_answers_alone_when_it_knows_enough) {
  StateLog journaled = journal();
  AuditLogOptions memory_only;
  memory_only.ring_size = 5;
  const auto log = open(journaled, memory_only);
  for (int i = 0; i < 8; ++i) log->log(i % 2 == 0 ? "even" : "odd", R"("roomId":"r)" + std::to_string(i) + "\"");
  const auto all = query(*log, {});
  ASSERT_EQ(all.size(), 5U);
  EXPECT_EQ(all[0]["roomId"], "r3") << "oldest first";
  EXPECT_EQ(all[4]["roomId"], "r7");
  AuditFilter filter;
  filter.event = "even";
  filter.limit = 1;
  ASSERT_EQ(query(*log, filter).size(), 1U);
  EXPECT_EQ(query(*log, filter)[0]["roomId"], "r6") << "the last ones";
  filter.room = "r4";
  EXPECT_EQ(query(*log, filter)[0]["roomId"], "r4");
  filter.peer = "p";
  EXPECT_TRUE(query(*log, filter).empty());
  AuditFilter since;
  since.since = unix_ms - 1;
  EXPECT_EQ(query(*log, since).size(), 2U) << "inclusive";
  bool done = false;
  log->commit([&](bool durable) { done = durable; });
  EXPECT_TRUE(done) << "nothing to wait for";
}

TEST_F(Audit, the_files_are_searched_for_what_the_ring_has_forgotten) {
  StateLog journaled = journal();
  AuditLogOptions small = options(20'000);
  small.ring_size = 10;
  const auto log = open(journaled, small);
  log->begin();
  for (int i = 0; i < 1000; ++i) {
    log->log(i % 100 == 0 ? "rare" : "common", R"("roomId":"r)" + std::to_string(i) + R"(","peerId":"p\"q")");
    if (i % 50 == 0) {
      EXPECT_TRUE(committed(*log));
    }
  }
  EXPECT_TRUE(committed(*log));
  EXPECT_GT(log->statistics().rotations, 3U);
  AuditFilter rare;
  rare.event = "rare";
  const auto found = query(*log, rare);
  ASSERT_EQ(found.size(), 10U);
  EXPECT_EQ(found[0]["roomId"], "r0");
  EXPECT_EQ(found[9]["roomId"], "r900");
  AuditFilter one;
  one.room = "r123";
  EXPECT_EQ(query(*log, one).size(), 1U);
  AuditFilter quoted;
  quoted.peer = "p\"q";
  quoted.limit = 400;
  const auto many = query(*log, quoted);
  ASSERT_EQ(many.size(), 400U);
  EXPECT_EQ(many[0]["roomId"], "r600");
  EXPECT_EQ(many[399]["roomId"], "r999");
  AuditFilter last;
  last.limit = 25;
  const auto newest = query(*log, last);
  ASSERT_EQ(newest.size(), 25U);
  EXPECT_EQ(newest[0]["roomId"], "r975");
  AuditFilter nobody;
  nobody.peer = "nobody";
  EXPECT_TRUE(query(*log, nobody).empty());
}

TEST_F(Audit, pages_give_every_entry_once_in_order_from_files_and_memory_while_the_log_goes_on) {
  StateLog journaled = journal();
  AuditLogOptions small = options(300'000);
  small.ring_size = 100;
  const auto log = open(journaled, small);
  log->begin();
  const std::string padding(700, 'x');
  const auto add = [&](int count) {
    for (int i = 0; i < count; ++i) log->log("page", R"("padding":")" + padding + '"');
    EXPECT_TRUE(committed(*log));
  };
  for (int i = 0; i < 40; ++i) add(100);  // 3.6 MB in a dozen files
  const auto pages = [&](std::uint64_t after, std::uint64_t last) {
    std::vector<std::uint64_t> numbers;
    std::size_t largest = 0;
    while (after < last) {
      std::optional<AuditPage> page;
      log->page(after, last, [&](std::optional<AuditPage> answer) { page = std::move(answer); });
      until(*log, [&] { return page.has_value(); });
      EXPECT_GT(page->last, after) << "every page gets further";
      after = page->last;
      largest = std::max(largest, page->text.size());
      std::istringstream lines(page->text);
      for (std::string line; std::getline(lines, line);) numbers.push_back(read_sealed(line)->seq);
      add(3);  // and files are renamed meanwhile
    }
    EXPECT_LT(largest, std::size_t{2} << 20U) << "what one page takes does not grow with the log";
    return numbers;
  };
  std::vector<std::uint64_t> all(4000);
  std::iota(all.begin(), all.end(), 1U);
  EXPECT_EQ(pages(0, 4000), all);
  EXPECT_EQ(pages(1234, 1240), (std::vector<std::uint64_t>{1235, 1236, 1237, 1238, 1239, 1240}));
  EXPECT_EQ(pages(3990, 4000).size(), 10U);
  std::optional<AuditPage> none;
  log->page(1'000'000, 2'000'000, [&](std::optional<AuditPage> answer) { none = std::move(answer); });
  ASSERT_TRUE(none) << "at once";
  EXPECT_EQ(none->count, 0U);
}

TEST_F(Audit, a_search_for_times_reads_only_what_may_hold_them) {
  StateLog journaled = journal();
  AuditLogOptions small = options(std::uint64_t{3} << 20U);
  small.ring_size = 10;
  const auto log = open(journaled, small);
  log->begin();
  const std::string padding(2'000, 'x');
  const std::int64_t start = unix_ms;
  std::vector<std::int64_t> times;
  for (int i = 0; i < 4'000; ++i) {  // 9 MB
    log->log("timed", R"("peerId":"p)" + std::to_string(i) + R"(","padding":")" + padding + '"');
    if (i % 500 == 0) {
      EXPECT_TRUE(committed(*log));
    }
  }
  EXPECT_TRUE(committed(*log));
  AuditFilter filter;
  filter.since = start + 2'000;
  filter.until = start + 2'010;
  const auto first = query(*log, filter);
  ASSERT_GE(first.size(), 9U) << "each entry and each file took a millisecond";
  for (const Json& entry : first) {
    EXPECT_GE(entry["ts"], *filter.since);
    EXPECT_LE(entry["ts"], *filter.until);
  }
  const std::uint64_t whole = log->statistics().searched_bytes;
  EXPECT_GT(whole, 8'000'000U);
  EXPECT_EQ(query(*log, filter), first);
  EXPECT_LT(log->statistics().searched_bytes - whole, 4'500'000U) << "once the times are known, other blocks are left alone";
  filter.peer = first.front()["peerId"];
  EXPECT_EQ(query(*log, filter).size(), 1U);
}

TEST_F(Audit, what_is_made_of_many_lines_is_made_off_the_loop) {
  StateLog journaled = journal();
  AuditLogOptions small = options();
  small.ring_size = 3'000;
  const auto log = open(journaled, small);
  log->begin();
  for (int i = 0; i < 5'000; ++i) log->log("many", "");
  EXPECT_TRUE(committed(*log));
  for (const std::size_t limit : {std::size_t{5'000}, std::size_t{2'000}, std::size_t{10}}) {
    AuditFilter filter;
    filter.limit = limit;
    std::thread::id maker;
    std::size_t count = 0;
    bool done = false;
    log->query_prepared(filter, [&](AuditLog::Lines lines) -> std::function<void()> {
      maker = std::this_thread::get_id();
      count = lines ? lines->size() : 0;
      return [&] { done = true; };
    });
    until(*log, [&] { return done; });
    EXPECT_EQ(count, limit);
    EXPECT_EQ(maker == std::this_thread::get_id(), limit == 10) << "few are not worth the way there and back";
  }
}

TEST_F(Audit, files_are_renamed_when_they_are_full_and_no_line_is_lost_or_split) {
  StateLog journaled = journal();
  const auto log = open(journaled, options(5'000));
  log->begin();
  for (int i = 0; i < 200; ++i) log->log("e", R"("n":)" + std::to_string(i));
  EXPECT_TRUE(committed(*log));
  const auto all = files();
  EXPECT_GT(all.size(), 5U);
  std::size_t lines = 0;
  for (const std::string& path : all) {
    const std::string text = contents(path);
    EXPECT_TRUE(text.ends_with('\n'));
    lines += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    const std::string name = fs::path(path).filename();
    EXPECT_TRUE(name == "audit.ndjson" || name.starts_with("audit.ndjson.1714")) << name;
  }
  EXPECT_EQ(lines, 200U);
  const AuditVerdict verdict = verify_audit(all, "key", {});
  EXPECT_TRUE(verdict.intact) << verdict.fault;
  EXPECT_EQ(verdict.lines, 200U);
}

TEST_F(Audit, a_process_that_dies_at_any_moment_loses_no_entry_and_breaks_no_chain) {
  for (int round = 0; round < 10; ++round) {
    const pid_t child = ::fork();
    if (child == 0) {
      StateLog journaled = journal();
      AuditLog log(options(3'000), journaled, [this] { return ++unix_ms; });
      log.begin();
      for (int i = 0; i < 50; ++i) log.log("e", R"("round":)" + std::to_string(round));
      ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(child, nullptr, 0);
    unix_ms += 1000;
  }
  StateLog journaled = journal();
  {
    const auto log = open(journaled, options(3'000));
    log->begin();
    EXPECT_TRUE(committed(*log));
  }
  const AuditVerdict verdict = verify_audit(files(), "key", {});
  EXPECT_TRUE(verdict.intact) << verdict.fault;
  // A kill in the middle of a write leaves half a line, whose cutting off is an entry of its own.
  std::uint64_t torn = 0;
  for (const std::string& path : files()) {
    const std::string text = contents(path);
    for (std::size_t at = text.find("audit:torn"); at != std::string::npos; at = text.find("audit:torn", at + 1)) ++torn;
  }
  EXPECT_EQ(verdict.lines, 500U + torn);
  EXPECT_EQ(journaled.size(), 0U);
}

TEST_F(Audit, half_a_line_at_the_end_is_cut_off_and_noted) {
  StateLog journaled = journal();
  {
    const auto log = open(journaled, options());
    log->begin();
    log->log("a", "");
    EXPECT_TRUE(committed(*log));
  }
  std::ofstream(folder / "audit.ndjson", std::ios::app) << R"({"ts":17140000)";
  StateLog fresh = *StateLog::open(*Region::create("another", std::size_t{1} << 20U));
  const auto log = open(fresh, options());
  log->begin();
  EXPECT_TRUE(committed(*log));
  const auto entries = query(*log, {});
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[1]["event"], "audit:torn");
  EXPECT_EQ(entries[1]["bytes"], 14);
  EXPECT_TRUE(verify_audit(files(), "key", {}).intact);
}

TEST_F(Audit, a_disk_that_refuses_stops_acknowledgements_until_it_takes_what_waits) {
  StateLog journaled = journal();
  const auto log = open(journaled, options());
  std::vector<std::string> problems;
  log->on_health_changed([&](const std::string& problem) { problems.push_back(problem); });
  log->begin();
  log->log("a", "");
  EXPECT_TRUE(committed(*log));
  // The limit on file sizes is a full disk that we may have (EFBIG for ENOSPC).
  (void)std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit full{fs::file_size(folder / "audit.ndjson") + 10, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &full), 0);
  log->log("b", "");
  log->log("c", "");
  EXPECT_FALSE(committed(*log));
  EXPECT_FALSE(log->statistics().writes);
  EXPECT_TRUE(log->statistics().acknowledges) << "this is not a failed sync";
  EXPECT_EQ(log->statistics().waiting, 2U);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_TRUE(committed(*log));
  EXPECT_EQ(log->statistics().lost, 0U);
  ASSERT_EQ(problems.size(), 2U);
  EXPECT_NE(problems[0], "");
  EXPECT_EQ(problems[1], "");
  const AuditVerdict verdict = verify_audit(files(), "key", {});
  EXPECT_TRUE(verdict.intact) << verdict.fault;
  EXPECT_EQ(verdict.lines, 3U);
}

std::atomic<int> failing_syncs{0};
std::atomic<int> syncs_called{0};

TEST_F(Audit, after_a_failed_sync_nothing_is_acknowledged_any_more_and_it_is_not_tried_again) {
  StateLog journaled = journal();
  AuditLogOptions bad_disk = options();
  bad_disk.file->sync = [](int) {
    ++syncs_called;
    if (failing_syncs-- <= 0) return 0;
    errno = EIO;
    return -1;
  };
  const auto log = open(journaled, bad_disk);
  std::vector<std::string> problems;
  log->on_health_changed([&](const std::string& problem) { problems.push_back(problem); });
  log->begin();
  log->log("a", "");
  EXPECT_TRUE(committed(*log));
  failing_syncs = 1;
  log->log("b", "");
  EXPECT_FALSE(committed(*log));
  const int called = syncs_called;
  log->log("c", "");
  EXPECT_FALSE(committed(*log)) << "the disk would say yes now, but nobody knows what became of b";
  EXPECT_EQ(syncs_called, called);
  EXPECT_FALSE(log->statistics().acknowledges);
  EXPECT_TRUE(log->statistics().writes) << "lines are still written";
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_NE(problems[0].find("no longer acknowledged"), std::string::npos);
  EXPECT_EQ(std::count(problems.begin(), problems.end(), ""), 0);
  const AuditVerdict verdict = verify_audit(files(), "key", {});
  EXPECT_EQ(verdict.lines, 3U) << verdict.fault;
}

TEST_F(Audit, a_sync_that_fails_when_a_file_is_full_is_no_different) {
  StateLog journaled = journal();
  AuditLogOptions bad_disk = options(1'000);
  bad_disk.file->sync = [](int) {
    if (failing_syncs-- <= 0) return 0;
    errno = EIO;
    return -1;
  };
  failing_syncs = 0;
  const auto log = open(journaled, bad_disk);
  log->begin();
  EXPECT_TRUE(committed(*log));
  failing_syncs = 1;
  for (int i = 0; i < 50; ++i) log->log("e", "");
  EXPECT_FALSE(committed(*log));
  EXPECT_FALSE(log->statistics().acknowledges);
  EXPECT_GT(log->statistics().rotations, 1U) << "files are still begun";
}

TEST_F(Audit, sinks_get_every_line) {
  struct Sink final : AuditSink {
    void deliver(const std::shared_ptr<const std::string>& line) override { lines.push_back(*line); }
    std::vector<std::string> lines;
  } sink;
  StateLog journaled = journal();
  const auto log = open(journaled, {});
  log->add_sink(sink);
  log->log("a", "");
  ASSERT_EQ(sink.lines.size(), 1U);
  EXPECT_EQ(Json::parse(sink.lines[0])["event"], "a");
}

TEST_F(Audit, hostile_texts_stay_inside_their_line) {
  StateLog journaled = journal();
  const auto log = open(journaled, options());
  log->begin();
  std::string member = R"("roomId":)";
  const std::string hostile = "r\n{\"ts\":0,\"event\":\"forged\"}\r\xe2\x80\xa8\"\\";
  member += nlohmann::json(hostile).dump();
  log->log("room:created", member);
  EXPECT_TRUE(committed(*log));
  const std::string text = contents(folder / "audit.ndjson");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  AuditFilter filter;
  filter.event = "forged";
  EXPECT_TRUE(query(*log, filter).empty());
}

}  // namespace
}  // namespace sluice
