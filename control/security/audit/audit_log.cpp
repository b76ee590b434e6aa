#include "control/security/audit/audit_log.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>
#include <utility>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"

namespace sluice {
namespace {

constexpr std::string_view journal_prefix = "audit/";
/// Questions that may wait for the reading thread.
constexpr std::size_t questions_max = 16;
/// Of the file, read at start to fill the ring.
constexpr std::uint64_t ring_read_max = std::uint64_t{16} << 20U;
/// About as much as a page holds.
constexpr std::size_t page_bytes = std::size_t{1} << 20U;
/// Lines of the ring that the loop's own thread makes something of.
constexpr std::size_t prepared_by_loop_max = 1000;
/// Files whose times are remembered; more than that, and all are forgotten.
constexpr std::size_t times_max = 4096;
/// A wall clock that was set back makes times fall; lines that are older than asked for by more than this end a search.
constexpr std::int64_t clock_slack_ms = 24 * 3600 * 1000;

std::string journal_key(std::uint64_t seq) {
  const std::string digits = std::to_string(seq);
  return std::string(journal_prefix) + std::string(20 - digits.size(), '0') + digits;
}

std::string hex16(const unsigned char* digest) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < 8; ++i) {
    out += digits[digest[i] >> 4U];
    out += digits[digest[i] & 15U];
  }
  return out;
}

std::uint64_t size_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

/// How a member stands in a line that this program wrote.
std::string needle(std::string_view name, std::string_view value) {
  std::string out;
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
  return out;
}

/// The texts that a fitting line must hold, the rarest first.
std::vector<std::string> needles_of(const AuditFilter& filter) {
  std::vector<std::string> needles;
  if (!filter.peer.empty()) needles.push_back(needle("peerId", filter.peer));
  if (!filter.room.empty()) needles.push_back(needle("roomId", filter.room));
  if (!filter.event.empty()) needles.push_back(needle("event", filter.event));
  return needles;
}

/// What holds the texts is parsed as well: a text may stand in another place of the line.
bool fits(const AuditFilter& filter, const std::vector<std::string>& needles, std::string_view line) {
  if (filter.since || filter.until) {
    const auto time = audit_time_of(line);
    if (!time || *time < filter.since.value_or(INT64_MIN) || *time > filter.until.value_or(INT64_MAX)) return false;
  }
  for (const std::string& text : needles) {
    if (::memmem(line.data(), line.size(), text.data(), text.size()) == nullptr) return false;
  }
  if (needles.empty()) return true;
  const auto view = JsonView::parse(line);
  const auto object = view ? JsonObject::of(*view) : std::nullopt;
  if (!object) return false;
  return (filter.event.empty() || object->text("event") == filter.event) &&
         (filter.peer.empty() || object->text("peerId") == filter.peer) &&
         (filter.room.empty() || object->text("roomId") == filter.room);
}

}  // namespace

AuditLog::AuditLog(AuditLogOptions options, StateLog& journal, std::function<std::int64_t()> unix_ms)
    : options_(std::move(options)),
      journal_(journal),
      unix_ms_(std::move(unix_ms)),
      chain_(options_.chain_key),
      wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (options_.file) recover();
}

AuditLog::~AuditLog() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  asked_.notify_all();
  if (writer_.joinable()) {
    writer_.join();
  } else if (file_ && file_->is_open()) {
    std::unique_lock lock(mutex_);
    write(lock);
  }
  if (reader_.joinable()) reader_.join();
  commits_.clear();
  answers_.clear();
  drain();
}

void AuditLog::recover() {
  file_.emplace(*options_.file);
  const auto opened = file_->open();
  std::uint64_t torn = 0;
  if (opened) {
    torn = *opened;
    readable_ = file_->end();
    read_ring();
  } else {
    statistics_.writes = false;
    statistics_.problem = std::string("the audit file cannot be opened: ") + std::strerror(opened.error());
  }
  // Lines that a predecessor had no time to write; those that it had written are still here if it died right after.
  std::vector<std::string> written;
  journal_.for_each(journal_prefix, [&](std::string_view key, Bytes bytes) {
    const std::string_view line = as_text(bytes);
    const auto sealed = read_sealed(line);
    if (!sealed || sealed->seq <= chain_.last_seq()) {
      written.emplace_back(key);
      return;
    }
    chain_.continue_from(sealed->seq, sealed->hash);
    if (waiting_.empty()) first_waiting_ = sealed->seq;
    waiting_.emplace_back(line);
    waiting_bytes_ += line.size();
    remember(sealed->seq, std::make_shared<const std::string>(line));
  });
  for (const std::string& key : written) (void)journal_.erase(key);
  if (waiting_.empty()) first_waiting_ = chain_.last_seq() + 1;
  journaled_to_ = first_waiting_;
  if (torn > 0) log("audit:torn", R"("bytes":)" + std::to_string(torn));
  ring_bell();
}

void AuditLog::read_ring() {
  std::vector<std::string> lines;
  file_->for_each_newest_first([&](const Descriptor& file) {
    std::uint64_t read = 0;
    for_each_line_backwards(file.get(), size_of(file.get()), {}, [&](std::string_view line) {
      if (read_sealed(line)) lines.emplace_back(line);
      read += line.size() + 1;
      return lines.size() < options_.ring_size && read < ring_read_max;
    });
    if (lines.size() >= options_.ring_size || read >= ring_read_max) return false;
    // The first line ever: there is no older file to look at.
    return lines.empty() || read_sealed(lines.back())->seq != 1;
  });
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    const auto sealed = read_sealed(*line);
    chain_.continue_from(sealed->seq, sealed->hash);
    remember(sealed->seq, std::make_shared<const std::string>(*line));
  }
  ring_is_all_ = ring_.empty() || ring_.front().seq == 1;
}

void AuditLog::begin() {
  if (!file_) return;
  writer_ = std::thread([this] { work(); });
  reader_ = std::thread([this] { read(); });
}

// --- the loop's side
// --------------------------------------------------------------------------------------------------------------

std::string AuditLog::address(std::string_view ip) const {
  if (!options_.redact_ip || ip.empty()) return std::string(ip);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(ip.data());
  if (options_.redact_key.empty()) {
    EVP_Digest(bytes, ip.size(), digest.data(), &size, EVP_sha256(), nullptr);
  } else {
    HMAC(EVP_sha256(), options_.redact_key.data(), static_cast<int>(options_.redact_key.size()), bytes, ip.size(),
         digest.data(), &size);
  }
  return "ip:" + hex16(digest.data());
}

void AuditLog::remember(std::uint64_t seq, std::shared_ptr<const std::string> line) {
  ring_.push_back({seq, std::move(line)});
  while (ring_.size() > options_.ring_size) {
    ring_.pop_front();
    ring_is_all_ = false;
  }
}

void AuditLog::log(std::string_view event, std::string_view members) {
  std::string entry = R"({"ts":)" + std::to_string(unix_ms_()) + R"(,"service":)";
  append_json_string(entry, options_.service);
  entry += R"(,"event":)";
  append_json_string(entry, event);
  if (!members.empty()) entry.append(",").append(members);
  const auto line = std::make_shared<const std::string>(chain_.seal(std::move(entry)));
  remember(chain_.last_seq(), line);
  enqueue(chain_.last_seq(), *line);
  for (AuditSink* sink : sinks_) sink->deliver(line);
  if (entry_) entry_(*line);
}

void AuditLog::enqueue(std::uint64_t seq, const std::string& line) {
  bool wake = false;
  {
    const std::scoped_lock lock(mutex_);
    ++statistics_.entries;
    if (!file_) return;
    if (waiting_bytes_ + line.size() > options_.waiting_bytes_max) {
      ++statistics_.lost;  // verify will name the gap
      return;
    }
    wake = waiting_.empty();
    if (wake && !writing_) first_waiting_ = seq;
    waiting_.push_back(line);
    waiting_bytes_ += line.size();
  }
  (void)journal_.put(journal_key(seq), as_bytes(line));
  if (wake) changed_.notify_one();
}

void AuditLog::commit(std::function<void(bool durable)> done) {
  if (!file_) return done(true);
  commits_.push_back(std::move(done));
  {
    const std::scoped_lock lock(mutex_);
    ++commits_asked_;
  }
  changed_.notify_one();
}

void AuditLog::query(AuditFilter filter, Found done) {
  query_prepared(std::move(filter), [done = std::move(done)](Lines lines) -> std::function<void()> {
    // Shared: a function must be copyable, and lines need not be copied.
    return [done, found = std::make_shared<Lines>(std::move(lines))] { done(std::move(*found)); };
  });
}

void AuditLog::query_prepared(AuditFilter filter, Prepare prepare) {
  std::vector<std::string> lines;
  const std::vector<std::string> needles = needles_of(filter);
  for (auto entry = ring_.rbegin(); entry != ring_.rend() && lines.size() < filter.limit; ++entry) {
    if (fits(filter, needles, *entry->line)) lines.push_back(*entry->line);
  }
  std::reverse(lines.begin(), lines.end());
  const auto older_than_asked = [&] {
    return filter.since && audit_time_of(*ring_.front().line).value_or(0) < *filter.since;
  };
  const bool found_all = !file_ || ring_is_all_ || lines.size() >= filter.limit || ring_.empty() || older_than_asked();
  const bool few = lines.size() <= prepared_by_loop_max;
  if (found_all && (few || !reader_.joinable())) return prepare(std::move(lines))();
  const std::uint64_t before = found_all ? 0 : ring_.front().seq;
  filter.limit -= std::min(filter.limit, lines.size());
  // Shared: a function must be copyable, and lines need not be copied.
  const auto newer = std::make_shared<std::vector<std::string>>(std::move(lines));
  const bool asked = ask([this, filter, before, newer, prepare] {
    std::vector<std::string> found;
    if (before > 0) found = search(filter, before);
    found.insert(found.end(), std::make_move_iterator(newer->begin()), std::make_move_iterator(newer->end()));
    return prepare(std::move(found));
  });
  if (!asked) prepare(std::nullopt)();
}

void AuditLog::page(std::uint64_t after, std::uint64_t last, std::function<void(std::optional<AuditPage>)> done) {
  last = std::min(last, chain_.last_seq());
  if (after >= last) return done(AuditPage{{}, 0, last});
  const bool in_ring = ring_is_all_ || !file_ || (!ring_.empty() && ring_.front().seq <= after + 1);
  if (!in_ring) {
    // What the ring has forgotten is in the files but for what waits to be written; the ring has more than that.
    const std::uint64_t end = ring_.empty() ? last : std::min(last, ring_.front().seq - 1);
    const bool asked = ask([this, after, end, done] {
      return [done, page = std::make_shared<AuditPage>(read_page(after, end))] { done(std::move(*page)); };
    });
    if (!asked) done(std::nullopt);
    return;
  }
  AuditPage result;
  result.last = after;
  const auto from =
      std::partition_point(ring_.begin(), ring_.end(), [&](const RingEntry& entry) { return entry.seq <= after; });
  for (auto entry = from; entry != ring_.end() && entry->seq <= last && result.text.size() < page_bytes; ++entry) {
    result.text.append(*entry->line).push_back('\n');
    ++result.count;
    result.last = entry->seq;
  }
  if (result.count == 0) result.last = last;  // lost
  done(std::move(result));
}

bool AuditLog::ask(Task task) {
  if (questions_waiting_ >= questions_max || !reader_.joinable()) return false;
  ++questions_waiting_;
  {
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  asked_.notify_one();
  return true;
}

void AuditLog::drain() {
  std::uint64_t rings = 0;
  (void)!::read(wake_.get(), &rings, sizeof rings);
  std::vector<std::pair<std::uint64_t, bool>> committed;
  std::vector<std::function<void()>> answers;
  std::uint64_t written_to = 0;
  std::string problem;
  {
    const std::scoped_lock lock(mutex_);
    committed = std::exchange(committed_, {});
    answers = std::exchange(answers_, {});
    written_to = first_waiting_;
    problem = statistics_.problem;
  }
  for (; journaled_to_ < written_to; ++journaled_to_) (void)journal_.erase(journal_key(journaled_to_));
  for (const auto& [count, durable] : committed) {
    const auto answered = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(count, commits_.size()));
    const std::vector<std::function<void(bool)>> callbacks(std::make_move_iterator(commits_.begin()),
                                                           std::make_move_iterator(commits_.begin() + answered));
    commits_.erase(commits_.begin(), commits_.begin() + answered);
    for (const auto& done : callbacks) done(durable);
  }
  for (const std::function<void()>& answer : answers) {
    --questions_waiting_;
    answer();
  }
  if (problem != told_problem_) {
    told_problem_ = problem;
    if (health_changed_) health_changed_(problem);
  }
}

AuditStatistics AuditLog::statistics() const {
  const std::scoped_lock lock(mutex_);
  AuditStatistics result = statistics_;
  result.waiting = waiting_.size();
  return result;
}

// --- the threads' side
// ------------------------------------------------------------------------------------------------------------

void AuditLog::ring_bell() const noexcept {
  constexpr std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void AuditLog::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto asked = [this] { return ending_ || commits_asked_ > 0; };
    if (statistics_.writes) {
      changed_.wait(lock, [&] { return asked() || !waiting_.empty(); });
    } else {
      changed_.wait_for(lock, options_.retry, asked);
    }
    const bool last = ending_;
    write(lock);
    if (last) return;
  }
}

/// One round: what waits goes to the file, and to the disk if somebody waits for that. Leaves with the lock held.
void AuditLog::write(std::unique_lock<std::mutex>& lock) {
  const std::vector<std::string> batch = std::exchange(waiting_, {});
  const std::uint64_t commits = std::exchange(commits_asked_, 0);
  const bool acknowledges = statistics_.acknowledges;
  // Until the batch is in the file its lines are in the journal only: what is logged meanwhile does not move the mark.
  writing_ = !batch.empty();
  lock.unlock();
  int error = 0;
  AuditFile::Appended appended;
  if (!file_->is_open()) {
    if (const auto opened = file_->open(); !opened) error = opened.error();
  }
  if (error == 0) {
    appended = file_->append(batch, unix_ms_);
    error = appended.error;
  }
  // A failed sync is not repeated: after it the kernel may have dropped what was to be written, and say that all is well.
  int sync_error = 0;
  const bool syncs = commits > 0 && error == 0 && acknowledges;
  if (syncs) sync_error = file_->sync();
  if (acknowledges && sync_error == 0) sync_error = file_->rotation_sync_error();
  const AuditFile::End readable = file_->end();
  lock.lock();
  writing_ = false;
  readable_ = readable;
  // Lines that failed come back before those that came since.
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < appended.lines; ++i) bytes += batch[i].size();
  waiting_bytes_ -= bytes;
  if (appended.lines < batch.size()) {
    waiting_.insert(waiting_.begin(), batch.begin() + static_cast<std::ptrdiff_t>(appended.lines), batch.end());
    first_waiting_ = read_sealed(batch[appended.lines])->seq;
  } else if (!batch.empty()) {
    first_waiting_ = waiting_.empty() ? read_sealed(batch.back())->seq + 1 : read_sealed(waiting_.front())->seq;
  }
  statistics_.rotations = file_->rotations();
  if (syncs) ++statistics_.syncs;
  if (error != 0) ++statistics_.write_errors;
  statistics_.writes = error == 0;
  if (sync_error != 0) statistics_.acknowledges = false;
  if (!statistics_.acknowledges) {
    if (sync_error != 0)
      statistics_.problem = std::string("the audit log could not be synced, security actions are no longer acknowledged: ") +
                            std::strerror(sync_error);
  } else {
    statistics_.problem = error == 0 ? "" : std::string("the audit log cannot be written: ") + std::strerror(error);
  }
  if (commits > 0) committed_.emplace_back(commits, syncs && sync_error == 0);
  ring_bell();
}

void AuditLog::read() {
  std::unique_lock lock(mutex_);
  for (;;) {
    asked_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
    if (ending_) return;
    Task task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    std::function<void()> answer = task();
    task = nullptr;  // what it held of the loop's is the answer's alone from here on
    lock.lock();
    answers_.push_back(std::move(answer));
    ring_bell();
  }
}

/// What a file of a log that only grows is known by: an inode's number is given to another file one day.
std::string AuditLog::head_of(const Descriptor& file) {
  std::string head(256, '\0');
  head.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::pread(file.get(), head.data(), head.size(), 0))));
  return head;
}

/// Of the file that is being written only what is known to be whole lines.
std::uint64_t AuditLog::readable_bytes(const Descriptor& file, std::uint64_t& inode) const {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return 0;
  inode = status.st_ino;
  const auto size = static_cast<std::uint64_t>(status.st_size);
  const std::scoped_lock lock(mutex_);
  return readable_.inode == inode ? std::min(size, readable_.size) : size;
}

std::vector<std::string> AuditLog::search(const AuditFilter& filter, std::uint64_t before) {
  const AuditFile files(*options_.file);  // only looks: the writer's own object is the writer's
  if (times_.size() > times_max) times_.clear();
  const std::vector<std::string> needles = needles_of(filter);
  std::vector<std::string> lines;
  std::uint64_t bytes_read = 0;
  files.for_each_newest_first([&](const Descriptor& file) {
    std::uint64_t inode = 0;
    const std::uint64_t size = readable_bytes(file, inode);
    Times& times = times_[inode];
    if (std::string head = head_of(file); times.head != head) times = {std::move(head), {}};
    AuditBlocks& blocks = times.blocks;
    AuditScan scan;
    if (!needles.empty()) scan.wanted = needles.front();
    scan.since = filter.since;
    scan.until = filter.until;
    scan.blocks = &blocks;
    scan.bytes_read = &bytes_read;
    bool done = false;
    for_each_line_backwards(file.get(), size, scan, [&](std::string_view line) {
      const auto sealed = read_sealed(line);
      if (!sealed || sealed->seq >= before) return true;
      if (fits(filter, needles, line)) lines.emplace_back(line);
      done =
          lines.size() >= filter.limit || (filter.since && audit_time_of(line).value_or(0) + clock_slack_ms < *filter.since);
      return !done;
    });
    return !done;
  });
  std::reverse(lines.begin(), lines.end());
  const std::scoped_lock lock(mutex_);
  statistics_.searched_bytes += bytes_read;
  return lines;
}

AuditPage AuditLog::read_page(std::uint64_t after, std::uint64_t last) const {
  const AuditFile files(*options_.file);
  AuditPage result;
  result.last = after;
  // Newest first, down to the file in which `after + 1` lies; if that has nothing (left), the next newer one has.
  std::vector<std::pair<Descriptor, std::uint64_t>> candidates;
  files.for_each_newest_first([&](const Descriptor& file) {
    std::uint64_t inode = 0;
    const std::uint64_t size = readable_bytes(file, inode);
    const std::uint64_t first = first_number_in(file.get(), size);
    if (first == 0) return true;
    candidates.emplace_back(Descriptor(::fcntl(file.get(), F_DUPFD_CLOEXEC, 0)), size);
    if (candidates.size() > 2) candidates.erase(candidates.begin());  // a descriptor each, and only these two matter
    return first > after + 1;
  });
  for (auto file = candidates.rbegin(); file != candidates.rend() && result.count == 0; ++file) {
    for_each_line_after(file->first.get(), file->second, after, [&](std::uint64_t number, std::string_view line) {
      if (number > last) return false;
      result.text.append(line).push_back('\n');
      ++result.count;
      result.last = number;
      return result.text.size() < page_bytes;
    });
  }
  if (result.count == 0) result.last = last;  // deleted, or lost
  return result;
}

}  // namespace sluice
