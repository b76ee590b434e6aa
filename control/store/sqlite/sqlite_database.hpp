#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "shm/types/result.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice {

/// Why the database did not do something.
struct SqliteError {
  enum class Kind : unsigned char {
    damaged,      // not a database, or broken inside: to be set aside
    unavailable,  // no space, no right, another process has it, I/O error: to be tried again
    newer,        // made by a later version of this program
  };
  Kind kind = Kind::unavailable;
  std::string text;  // SQLite's own words
};

/// Table and key of a row; the value to set, or nothing to forget it.
using StoreKey = std::pair<std::string, std::string>;
using StoreChanges = std::map<StoreKey, std::optional<std::string>>;

/// One database file with one table of rows. Every call blocks on the disk. WAL, synchronous=FULL: a commit that returned
/// has reached the disk. The file is locked for this process alone.
class SqliteDatabase {
 public:
  /// Opens or makes `path`. The path is taken as it is, /proc/self/fd/N included (SQLite itself would resolve it to a name
  /// that this process may have no right to walk to).
  [[nodiscard]] static Result<SqliteDatabase, SqliteError> open(const std::string& path);
  SqliteDatabase(SqliteDatabase&&) noexcept = default;
  SqliteDatabase& operator=(SqliteDatabase&&) noexcept = default;
  ~SqliteDatabase();

  /// All of the changes or none.
  [[nodiscard]] Result<void, SqliteError> commit(const StoreChanges& changes);
  [[nodiscard]] Result<void, SqliteError> load(
      std::string_view table, const std::function<void(std::string_view key, std::string_view value)>& visit) const;

 private:
  struct CloseDatabase {
    void operator()(sqlite3* database) const noexcept;
  };
  struct FinalizeStatement {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  using Statement = std::unique_ptr<sqlite3_stmt, FinalizeStatement>;

  SqliteDatabase() = default;
  [[nodiscard]] SqliteError error(int code) const;
  [[nodiscard]] Result<void, SqliteError> prepare_file();
  [[nodiscard]] Result<void, SqliteError> run(const char* sql) const;
  [[nodiscard]] Result<Statement, SqliteError> statement(const char* sql) const;
  [[nodiscard]] Result<void, SqliteError> write(const StoreChanges& changes);

  std::unique_ptr<sqlite3, CloseDatabase> database_;
  Statement put_;
  Statement erase_;
};

}  // namespace sluice
