#include "control/supervisor/runtime_folder.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "tests/support/scratch_folder.hpp"

namespace sluice::supervisor {
namespace {

namespace fs = std::filesystem;

class RuntimeFolder : public testing::Test {
 protected:
  test::ScratchFolder root_;
};

TEST_F(RuntimeFolder, IsTheFirstThatCanBeUsedAndIsMadeForItsOwner) {
  EXPECT_EQ(first_usable_folder({"", root_ / "missing" / "below", root_ / "mine", root_ / "other"}), root_ / "mine");
  struct stat status {};
  ASSERT_EQ(::stat((root_ / "mine").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
  EXPECT_FALSE(fs::exists(root_ / "other"));
  EXPECT_EQ(first_usable_folder({root_ / "mine"}), root_ / "mine") << "the second time as well";
}

TEST_F(RuntimeFolder, IsNoneThatOthersMayWrite) {
  fs::create_directory(root_ / "open");
  fs::permissions(root_ / "open", fs::perms::all);
  EXPECT_FALSE(first_usable_folder({root_ / "open"}));
}

TEST_F(RuntimeFolder, IsNoLinkAndNoFile) {
  fs::create_directory(root_ / "real");
  fs::create_directory_symlink(root_ / "real", root_ / "link");
  std::ofstream(root_ / "file") << "x";
  EXPECT_FALSE(first_usable_folder({root_ / "link", root_ / "file"}));
}

TEST_F(RuntimeFolder, IsNoneOfAnotherUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  fs::create_directory(root_ / "theirs");
  ASSERT_EQ(::chown((root_ / "theirs").c_str(), 12345, 12345), 0);
  EXPECT_FALSE(first_usable_folder({root_ / "theirs"}));
}

TEST(SocketName, IsAnotherOneForOtherPortsAndAddresses) {
  const SocketAddress four = *SocketAddress::parse("192.0.2.1", 0), six = *SocketAddress::parse("2001:db8::1", 0);
  EXPECT_EQ(socket_name(40000, {}), "40000.sock");
  EXPECT_EQ(socket_name(40000, {four}), "40000@192.0.2.1.sock");
  EXPECT_EQ(socket_name(40000, {six, four}), "40000@192.0.2.1,2001:db8::1.sock");
  EXPECT_EQ(socket_name(40000, {four, six}), socket_name(40000, {six, four}));
}

}  // namespace
}  // namespace sluice::supervisor
