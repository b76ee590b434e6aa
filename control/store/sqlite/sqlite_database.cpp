#include "control/store/sqlite/sqlite_database.hpp"

#include <sqlite3.h>

#include <cstring>

namespace sluice {
namespace {

/// Of the rows' format, in the file's header.
constexpr int schema_version = 1;
/// A predecessor that was killed a moment ago may not be gone yet.
constexpr int busy_limit_ms = 2000;
constexpr const char* verbatim_vfs = "sluice-verbatim";

/// SQLite's file layer, except that a path is used as it was given.
void register_vfs() {
  static sqlite3_vfs vfs;
  if (::sqlite3_vfs_find(verbatim_vfs) != nullptr) return;
  vfs = *::sqlite3_vfs_find(nullptr);
  vfs.pNext = nullptr;
  vfs.zName = verbatim_vfs;
  vfs.xFullPathname = [](sqlite3_vfs*, const char* name, int size, char* out) {
    const std::size_t length = std::strlen(name);
    if (length + 1 > static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
    std::memcpy(out, name, length + 1);
    return SQLITE_OK;
  };
  ::sqlite3_vfs_register(&vfs, 0);
}

int bind_text(sqlite3_stmt* statement, int place, std::string_view text) {
  return ::sqlite3_bind_text64(statement, place, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

std::string_view column(sqlite3_stmt* statement, int place) {
  const void* bytes = ::sqlite3_column_blob(statement, place);
  const int size = ::sqlite3_column_bytes(statement, place);
  return bytes == nullptr ? std::string_view()
                          : std::string_view(static_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

}  // namespace

void SqliteDatabase::CloseDatabase::operator()(sqlite3* database) const noexcept {
  ::sqlite3_close_v2(database);
}
void SqliteDatabase::FinalizeStatement::operator()(sqlite3_stmt* statement) const noexcept {
  ::sqlite3_finalize(statement);
}
SqliteDatabase::~SqliteDatabase() = default;

SqliteError SqliteDatabase::error(int code) const {
  SqliteError result;
  const int primary = code & 0xff;
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB) result.kind = SqliteError::Kind::damaged;
  result.text = database_ != nullptr ? ::sqlite3_errmsg(database_.get()) : ::sqlite3_errstr(code);
  return result;
}

Result<SqliteDatabase, SqliteError> SqliteDatabase::open(const std::string& path) {
  register_vfs();
  SqliteDatabase result;
  sqlite3* opened = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = ::sqlite3_open_v2(path.c_str(), &opened, flags, verbatim_vfs);
  result.database_.reset(opened);
  if (code != SQLITE_OK) return unexpected(result.error(code));
  if (auto prepared = result.prepare_file(); !prepared) return unexpected(prepared.error());
  return result;
}

Result<void, SqliteError> SqliteDatabase::prepare_file() {
  ::sqlite3_busy_timeout(database_.get(), busy_limit_ms);
  // Exclusive: the index of the WAL lies on the heap, so no third file is mapped, and a second server does not mix in.
  for (const char* sql :
       {"PRAGMA locking_mode=EXCLUSIVE", "PRAGMA journal_mode=WAL", "PRAGMA synchronous=FULL", "PRAGMA temp_store=MEMORY"}) {
    if (auto done = run(sql); !done) return done;
  }
  auto asked = statement("PRAGMA user_version");
  if (!asked) return unexpected(asked.error());
  const int stepped = ::sqlite3_step(asked->get());
  if (stepped != SQLITE_ROW) return unexpected(error(stepped));
  const int version = ::sqlite3_column_int(asked->get(), 0);
  asked->reset();
  if (version > schema_version) {
    return unexpected(SqliteError{SqliteError::Kind::newer, "the file was made by a later version of this program"});
  }
  if (version == 0) {
    if (auto made = run("BEGIN IMMEDIATE; CREATE TABLE IF NOT EXISTS entries (area TEXT NOT NULL, key BLOB NOT NULL, "
                        "value BLOB NOT NULL, PRIMARY KEY (area, key)) WITHOUT ROWID; PRAGMA user_version=1; COMMIT");
        !made) {
      return made;
    }
  }
  auto put = statement(
      "INSERT INTO entries (area, key, value) VALUES (?1, ?2, ?3) "
      "ON CONFLICT (area, key) DO UPDATE SET value = excluded.value");
  if (!put) return unexpected(put.error());
  auto erase = statement("DELETE FROM entries WHERE area = ?1 AND key = ?2");
  if (!erase) return unexpected(erase.error());
  put_ = std::move(*put);
  erase_ = std::move(*erase);
  return {};
}

Result<void, SqliteError> SqliteDatabase::run(const char* sql) const {
  const int code = ::sqlite3_exec(database_.get(), sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return unexpected(error(code));
  return {};
}

Result<SqliteDatabase::Statement, SqliteError> SqliteDatabase::statement(const char* sql) const {
  sqlite3_stmt* prepared = nullptr;
  const int code = ::sqlite3_prepare_v3(database_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &prepared, nullptr);
  if (code != SQLITE_OK) return unexpected(error(code));
  return Statement(prepared);
}

Result<void, SqliteError> SqliteDatabase::write(const StoreChanges& changes) {
  for (const auto& [key, value] : changes) {
    sqlite3_stmt* wanted = value ? put_.get() : erase_.get();
    bind_text(wanted, 1, key.first);
    ::sqlite3_bind_blob64(wanted, 2, key.second.data(), key.second.size(), SQLITE_STATIC);
    if (value) ::sqlite3_bind_blob64(wanted, 3, value->empty() ? "" : value->data(), value->size(), SQLITE_STATIC);
    const int code = ::sqlite3_step(wanted);
    std::optional<SqliteError> failed;
    if (code != SQLITE_DONE) failed = error(code);
    ::sqlite3_reset(wanted);
    ::sqlite3_clear_bindings(wanted);
    if (failed) return unexpected(std::move(*failed));
  }
  return {};
}

Result<void, SqliteError> SqliteDatabase::commit(const StoreChanges& changes) {
  if (auto begun = run("BEGIN IMMEDIATE"); !begun) return begun;
  auto written = write(changes);
  if (written) written = run("COMMIT");
  // Some errors have ended the transaction already; then there is nothing to take back.
  if (!written && ::sqlite3_get_autocommit(database_.get()) == 0) (void)run("ROLLBACK");
  return written;
}

Result<void, SqliteError> SqliteDatabase::load(
    std::string_view table, const std::function<void(std::string_view key, std::string_view value)>& visit) const {
  auto query = statement("SELECT key, value FROM entries WHERE area = ?1 ORDER BY key");
  if (!query) return unexpected(query.error());
  bind_text(query->get(), 1, table);
  for (;;) {
    const int code = ::sqlite3_step(query->get());
    if (code == SQLITE_DONE) return {};
    if (code != SQLITE_ROW) return unexpected(error(code));
    visit(column(query->get(), 0), column(query->get(), 1));
  }
}

}  // namespace sluice
