// docs/configuration.md is written by hand around what the code knows: it must not fall behind.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>

#include "control/config/option.hpp"
#include "test_paths.hpp"

namespace sluice::config {
namespace {

std::string page() {
  std::ifstream file(SLUICE_TEST_DATA "/../../docs/configuration.md");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST(ConfigurationPage, HoldsTheTableOfOptionsAsItIs) {
  EXPECT_NE(page().find(options_as_markdown()), std::string::npos)
      << "docs/configuration.md, section Options, should hold:\n\n"
      << options_as_markdown();
}

TEST(ConfigurationPage, NamesEveryModuleKeyWhereItsStatusIsExplained) {
  const std::string text = page();
  const std::size_t begin = text.find("## Module keys");
  ASSERT_NE(begin, std::string::npos);
  const std::size_t available = text.find("**Available**", begin);
  const std::size_t inert = text.find("**Accepted without effect**", begin);
  ASSERT_TRUE(available < inert && inert != std::string::npos);
  for (const Module& module : all_modules()) {
    const auto [from, to] =
        module.status == ModuleStatus::available ? std::pair(available, inert) : std::pair(inert, text.size());
    EXPECT_NE(text.substr(from, to - from).find("`" + std::string(module.key) + "`"), std::string::npos) << module.key;
  }
}

}  // namespace
}  // namespace sluice::config
