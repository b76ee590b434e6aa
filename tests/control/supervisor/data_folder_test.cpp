#include "control/supervisor/data_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/scratch_folder.hpp"

namespace sluice::supervisor {
namespace {

struct DataFolderFixture : ::testing::Test {
  [[nodiscard]] uid_t owner_of(const std::filesystem::path& path) const {
    struct stat status {};
    EXPECT_EQ(::lstat(path.c_str(), &status), 0) << path;
    return status.st_uid;
  }
  static void touch(const std::filesystem::path& path) { std::ofstream(path) << "x"; }

  test::ScratchFolder base;
  ProcessLog log{"test", LogFormat::line};
  UserIds control{60900, 60900};
};

TEST_F(DataFolderFixture, makes_what_is_missing_for_its_owner_only) {
  const Descriptor folder = open_data_folder({"folder.store", base / "a" / "b", "sluice.db"}, std::nullopt, log);
  ASSERT_TRUE(folder.valid());
  struct stat status {};
  ASSERT_EQ(::fstat(folder.get(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  EXPECT_EQ(status.st_uid, ::geteuid());
}

TEST_F(DataFolderFixture, what_is_no_folder_or_a_link_is_not_opened) {
  touch(base / "file");
  EXPECT_FALSE(open_data_folder({"folder.store", base / "file", "sluice.db"}, std::nullopt, log).valid());
  std::filesystem::create_directory(base / "real");
  std::filesystem::create_directory_symlink(base / "real", base / "link");
  EXPECT_FALSE(open_data_folder({"folder.store", base / "link", "sluice.db"}, std::nullopt, log).valid());
}

TEST_F(DataFolderFixture, a_folder_with_controls_files_only_is_given_to_its_user) {
  if (::geteuid() != 0) GTEST_SKIP() << "takes root";
  const std::filesystem::path path = base / "store";
  std::filesystem::create_directory(path);
  touch(path / "sluice.db");
  touch(path / "sluice.db-wal");
  touch(base / "victim");
  std::filesystem::create_symlink(base / "victim", path / "sluice.db-link");
  std::filesystem::create_hard_link(base / "victim", path / "sluice.db-hard");
  ASSERT_TRUE(open_data_folder({"folder.store", path, "sluice.db"}, control, log).valid());
  EXPECT_EQ(owner_of(path), control.user);
  EXPECT_EQ(owner_of(path / "sluice.db-wal"), control.user);
  EXPECT_EQ(owner_of(base / "victim"), 0U);
}

TEST_F(DataFolderFixture, a_folder_named_by_mistake_stays_whose_it_is) {
  if (::geteuid() != 0) GTEST_SKIP() << "takes root";
  const std::filesystem::path path = base / "etc";
  std::filesystem::create_directory(path);
  touch(path / "passwd");
  touch(path / "sluice.db");
  ASSERT_TRUE(open_data_folder({"folder.store", path, "sluice.db"}, control, log).valid());
  EXPECT_EQ(owner_of(path), 0U);
  EXPECT_EQ(owner_of(path / "passwd"), 0U);
  EXPECT_EQ(owner_of(path / "sluice.db"), 0U);
}

}  // namespace
}  // namespace sluice::supervisor
