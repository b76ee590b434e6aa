#include "control/api/event_feed.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice {
namespace {

using nlohmann::json;

TEST(EventFeed, TellsEachListenerInOrderWithARisingNumber) {
  EventFeed feed;
  std::vector<std::string> heard;
  const auto listener = feed.listen([&](std::string_view event, const json& data, std::uint64_t number) {
    heard.push_back(std::string(event) + data.dump() + std::to_string(number));
  });
  feed.emit("a", {{"x", 1}});
  feed.emit("b", nullptr);
  EXPECT_EQ(heard, (std::vector<std::string>{R"(a{"x":1}1)", "bnull2"}));
}

TEST(EventFeed, IsHeardOnlyWhileSomebodyListens) {
  EventFeed feed;
  EXPECT_FALSE(feed.heard());
  auto listener = feed.listen([](std::string_view, const json&, std::uint64_t) {});
  EXPECT_TRUE(feed.heard());
  EXPECT_TRUE(feed.heard("data")) << "without an interest it may be any event";
  listener.reset();
  EXPECT_FALSE(feed.heard());
  EXPECT_FALSE(feed.heard("data"));
}

TEST(EventFeed, ListenersMayComeAndGoDuringAnEvent) {
  EventFeed feed;
  int first = 0;
  int second = 0;
  EventFeed::Subscription late;
  EventFeed::Subscription own;
  own = feed.listen([&](std::string_view, const json&, std::uint64_t) {
    ++first;
    own.reset();
    late = feed.listen([&](std::string_view, const json&, std::uint64_t) { ++second; });
  });
  feed.emit("a", nullptr);
  EXPECT_EQ(second, 0) << "who comes during an event does not hear it";
  feed.emit("b", nullptr);
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 1);
}

TEST(EventFeed, KnowsWhoHasAUseForAnEvent) {
  EventFeed feed;
  const auto ignore = [](std::string_view, const json&, std::uint64_t) {};
  const auto threats = feed.listen(ignore, [](std::string_view event) { return event == "threat"; });
  EXPECT_TRUE(feed.heard());
  EXPECT_TRUE(feed.heard("threat"));
  EXPECT_FALSE(feed.heard("data"));
  const auto all = feed.listen(ignore);
  EXPECT_TRUE(feed.heard("data"));
}

}  // namespace
}  // namespace sluice
