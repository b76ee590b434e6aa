#include "control/store/sqlite/sqlite_store.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <iterator>
#include <optional>
#include <utility>

namespace sluice {
namespace {

constexpr std::string_view journal_prefix = "store/";
/// First byte of a value in the journal.
constexpr char set_mark = 'P';
constexpr char forget_mark = 'E';

std::size_t cost(const StoreKey& key, const std::optional<std::string>& value) {
  constexpr std::size_t node = 128;  // of the map, about
  return node + key.first.size() + key.second.size() + (value ? value->size() : 0);
}

std::string journal_key(const StoreKey& key) {
  return std::string(journal_prefix) + key.first + "/" + key.second;
}

}  // namespace

SqliteStore::SqliteStore(SqliteStoreOptions options, StateLog& journal)
    : options_(std::move(options)), journal_(journal), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  statistics_.on_disk = true;
  if (const auto opened = open_file(); !opened) {
    statistics_.healthy = false;
    statistics_.problem = opened.error().text;
  }
  read_journal();
  ring();  // so that the first drain() tells about a problem found here
}

SqliteStore::~SqliteStore() {
  if (writer_.joinable()) {
    {
      const std::scoped_lock lock(mutex_);
      ending_ = true;
    }
    changed_.notify_one();
    writer_.join();
  } else if (!pending_.empty()) {
    (void)write(pending_);
  }
  // What is on the disk need not be written again by a successor.
  flushes_.clear();
  drain();
}

Result<void, SqliteError> SqliteStore::open_file() const {
  auto opened = SqliteDatabase::open(options_.path);
  if (!opened && opened.error().kind == SqliteError::Kind::damaged) {
    set_aside();
    opened = SqliteDatabase::open(options_.path);
  }
  if (!opened) return unexpected(opened.error());
  database_ = std::make_unique<SqliteDatabase>(std::move(*opened));
  return {};
}

void SqliteStore::set_aside() const {
  files_set_aside_.fetch_add(1, std::memory_order_relaxed);
  const std::string suffix = ".damaged-" + std::to_string(std::time(nullptr)) + "000";
  for (const char* part : {"", "-wal", "-shm"}) {
    const std::string name = options_.path + part;
    (void)std::rename(name.c_str(), (options_.path + suffix + part).c_str());
  }
}

void SqliteStore::read_journal() {
  journal_.for_each(journal_prefix, [&](std::string_view name, Bytes bytes) {
    const std::string_view rest = name.substr(journal_prefix.size());
    const std::size_t slash = rest.find('/');
    const std::string_view value = as_text(bytes);
    if (slash == std::string_view::npos || value.empty()) return;
    StoreKey key{std::string(rest.substr(0, slash)), std::string(rest.substr(slash + 1))};
    std::optional<std::string> content;
    if (value.front() == set_mark) content = std::string(value.substr(1));
    pending_bytes_ += cost(key, content);
    pending_.insert_or_assign(std::move(key), std::move(content));
  });
}

void SqliteStore::begin() {
  writer_ = std::thread([this] { work(); });
}

// --- the loop's side
// --------------------------------------------------------------------------------------------------------

void SqliteStore::put(std::string_view table, std::string_view key, std::string value) {
  change(table, key, std::move(value));
}

void SqliteStore::erase(std::string_view table, std::string_view key) {
  change(table, key, std::nullopt);
}

void SqliteStore::change(std::string_view table, std::string_view key, std::optional<std::string> value) {
  StoreKey row{std::string(table), std::string(key)};
  const std::size_t bytes = cost(row, value);
  bool first = false;
  {
    const std::scoped_lock lock(mutex_);
    ++(value ? statistics_.puts : statistics_.erases);
    const auto known = pending_.find(row);
    const std::size_t replaced = known == pending_.end() ? 0 : cost(known->first, known->second);
    if (pending_bytes_ + in_flight_bytes_ - replaced + bytes > options_.waiting_bytes_max) {
      ++statistics_.refused;
      lossy_ = true;
      return;
    }
    pending_bytes_ += bytes - replaced;
    first = pending_.empty();
    pending_.insert_or_assign(row, value);
  }
  journal(row, value);
  if (first) changed_.notify_one();
}

void SqliteStore::journal(const StoreKey& key, const std::optional<std::string>& value) {
  std::string content(1, value ? set_mark : forget_mark);
  if (value) content += *value;
  const std::string name = journal_key(key);
  if (journal_.put(name, as_bytes(content))) return;
  (void)journal_.erase(name);  // an older value must not win at the next start
  const std::scoped_lock lock(mutex_);
  ++statistics_.unjournaled;
}

void SqliteStore::flush(Flushed done) {
  flushes_.push_back(std::move(done));
  {
    const std::scoped_lock lock(mutex_);
    ++flushes_asked_;
  }
  changed_.notify_one();
}

void SqliteStore::drain() {
  std::uint64_t rings = 0;
  (void)!::read(wake_.get(), &rings, sizeof rings);
  std::vector<Outcome> outcomes;
  std::vector<std::string> written;
  std::string problem;
  {
    const std::scoped_lock lock(mutex_);
    outcomes = std::exchange(outcomes_, {});
    problem = statistics_.healthy ? "" : statistics_.problem;
    for (const Outcome& outcome : outcomes) {
      for (const auto& [key, value] : outcome.committed) {
        // One that was changed again meanwhile stays in the journal until that change is on the disk.
        if (!pending_.contains(key) && !in_flight_.contains(key)) written.push_back(journal_key(key));
      }
    }
  }
  for (const std::string& key : written) (void)journal_.erase(key);
  for (const Outcome& outcome : outcomes) {
    const auto answered = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(outcome.flushes, flushes_.size()));
    const std::vector<Flushed> callbacks(std::make_move_iterator(flushes_.begin()),
                                         std::make_move_iterator(flushes_.begin() + answered));
    flushes_.erase(flushes_.begin(), flushes_.begin() + answered);
    for (const Flushed& done : callbacks) done(outcome.durable);
  }
  if (problem != told_problem_) {
    told_problem_ = problem;
    if (health_changed_) health_changed_(problem);
  }
}

void SqliteStore::load(std::string_view table, const Visit& visit) const {
  std::map<std::string, std::string, std::less<>> rows;
  const std::scoped_lock lock(mutex_);
  if (database_ != nullptr) {
    const auto loaded = database_->load(table, [&](std::string_view key, std::string_view value) {
      rows.insert_or_assign(std::string(key), std::string(value));
    });
    if (!loaded && loaded.error().kind == SqliteError::Kind::damaged && !writer_.joinable()) {
      // What could be read is used; the next start would fail in the same place, so it gets a new file.
      database_.reset();
      set_aside();
      (void)open_file();
    }
  }
  for (const auto& [key, value] : pending_) {
    if (key.first != table) continue;
    if (value) {
      rows.insert_or_assign(key.second, *value);
    } else {
      rows.erase(key.second);
    }
  }
  for (const auto& [key, value] : rows) visit(key, value);
}

StoreStatistics SqliteStore::statistics() const {
  const std::scoped_lock lock(mutex_);
  StoreStatistics result = statistics_;
  result.set_aside = files_set_aside_.load(std::memory_order_relaxed);
  result.waiting = pending_.size() + in_flight_.size();
  result.waiting_bytes = pending_bytes_ + in_flight_bytes_;
  return result;
}

// --- the writer's side
// ------------------------------------------------------------------------------------------------------

void SqliteStore::ring() const noexcept {
  constexpr std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one);
}

void SqliteStore::work() {
  std::unique_lock lock(mutex_);
  bool failing = false;
  for (;;) {
    const auto asked = [this] { return ending_ || flushes_asked_ > 0; };
    if (failing) {
      changed_.wait_for(lock, options_.retry, asked);
    } else {
      changed_.wait(lock, [&] { return asked() || !pending_.empty(); });
      // Nobody waits for it yet: more may come.
      if (!asked()) changed_.wait_for(lock, options_.gather, asked);
    }
    const bool last = ending_;
    Outcome outcome;
    outcome.flushes = std::exchange(flushes_asked_, 0);
    const bool lossy = outcome.flushes > 0 && std::exchange(lossy_, false);
    in_flight_ = std::exchange(pending_, {});
    in_flight_bytes_ = std::exchange(pending_bytes_, 0);
    lock.unlock();
    Result<void, SqliteError> done = write(in_flight_);
    lock.lock();
    failing = !done;
    outcome.durable = done && !lossy;
    if (done) {
      if (!in_flight_.empty()) ++statistics_.commits;
      outcome.committed = std::exchange(in_flight_, {});
      in_flight_bytes_ = 0;
      statistics_.healthy = true;
      statistics_.problem.clear();
    } else {
      ++statistics_.failed_commits;
      statistics_.healthy = false;
      statistics_.problem = done.error().text;
      give_back();
    }
    outcomes_.push_back(std::move(outcome));
    ring();
    if (last) return;
  }
}

Result<void, SqliteError> SqliteStore::write(const StoreChanges& changes) {
  if (database_ == nullptr) {
    if (auto opened = open_file(); !opened) return opened;
  }
  if (changes.empty()) return {};
  auto written = database_->commit(changes);
  if (!written && written.error().kind == SqliteError::Kind::damaged) database_.reset();  // opened anew, or set aside
  return written;
}

void SqliteStore::give_back() {
  for (auto& [key, value] : in_flight_) {
    const std::size_t bytes = cost(key, value);
    // A newer change of the same key, made meanwhile, stands.
    if (pending_.try_emplace(key, std::move(value)).second) pending_bytes_ += bytes;
  }
  in_flight_.clear();
  in_flight_bytes_ = 0;
}

}  // namespace sluice
