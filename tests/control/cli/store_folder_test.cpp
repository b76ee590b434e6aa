#include "control/cli/store_folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>

#include "tests/support/scratch_folder.hpp"

namespace sluice::cli {
namespace {

namespace fs = std::filesystem;

class StoreFolder : public testing::Test {
 protected:
  fs::path chosen() {
    return default_store_folder(
        40000,
        [this](const std::string& name) {
          const auto found = variables.find(name);
          return found == variables.end() ? std::nullopt : std::optional(found->second);
        },
        false, runtime);
  }
  test::ScratchFolder scratch;
  fs::path runtime = scratch / "run";
  std::map<std::string, std::string> variables{{"HOME", scratch / "home"}};
};

TEST_F(StoreFolder, IsWhatSystemdGives) {
  variables["STATE_DIRECTORY"] = "/var/lib/sluice:/var/lib/more";
  EXPECT_EQ(chosen(), "/var/lib/sluice/store");
}

TEST_F(StoreFolder, LiesInTheUsersFolderForStateAndTellsServersApartByTheirMediaPort) {
  EXPECT_EQ(chosen(), scratch / "home" / ".local" / "state" / "sluice" / "store-40000");
  variables["XDG_STATE_HOME"] = scratch / "state";
  EXPECT_EQ(chosen(), scratch / "state" / "sluice" / "store-40000");
  EXPECT_EQ(fs::status(scratch / "state" / "sluice").permissions(), fs::perms::owner_all);
  variables["XDG_STATE_HOME"] = "not/whole";
  EXPECT_EQ(chosen(), scratch / "home" / ".local" / "state" / "sluice" / "store-40000");
}

TEST_F(StoreFolder, LiesBesideTheSocketsWhereThereIsNothingElse) {
  std::ofstream(scratch / "home") << "no folder";
  EXPECT_EQ(chosen(), runtime / "store-40000");
  variables.clear();
  EXPECT_EQ(chosen(), runtime / "store-40000");
  runtime.clear();
  EXPECT_TRUE(chosen().empty());
}

}  // namespace
}  // namespace sluice::cli
