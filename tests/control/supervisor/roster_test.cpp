#include "control/supervisor/roster.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "control/supervisor/start_error.hpp"

namespace sluice::supervisor {
namespace {

SupervisorConfig config_with(std::uint16_t workers, const char* address) {
  SupervisorConfig config;
  config.worker_count = workers;
  config.media_port = 40000;
  config.listen = {*SocketAddress::parse(address, 0)};
  config.programs.worker = "/opt/sluice/sluice-worker";
  return config;
}

TEST(Roster, TellsTheNextSupervisorEverything) {
  const SupervisorConfig config = config_with(2, "127.0.0.1");
  Roster first = Roster::create(config, "AB:CD");
  first.note({Place::Kind::worker, 1}, ::getpid());
  const Roster second = Roster::attach(first.fd());
  EXPECT_NO_THROW(second.check(config));
  EXPECT_EQ(second.fingerprint(), "AB:CD");
  EXPECT_EQ(second.folder(), "/opt/sluice");
  const auto found = second.find({Place::Kind::worker, 1});
  ASSERT_TRUE(found);
  EXPECT_EQ(found->pid(), ::getpid());
  EXPECT_FALSE(second.find({Place::Kind::worker, 0}));
  EXPECT_FALSE(second.find({Place::Kind::control}));
}

TEST(Roster, TakesNoProcessForTheOneThatHadItsNumber) {
  Roster roster = Roster::create(config_with(1, "127.0.0.1"), "");
  roster.note({Place::Kind::control}, ::getpid());
  auto segment = RosterSegment::attach(roster.fd());
  ASSERT_TRUE(segment);
  EXPECT_TRUE(anybody_lives(**segment));
  (*segment)->control.start_time.fetch_add(1);
  EXPECT_FALSE(roster.find({Place::Kind::control}));
  EXPECT_FALSE(anybody_lives(**segment));
}

TEST(Roster, RefusesAServerOfAnotherShape) {
  const Roster roster = Roster::create(config_with(2, "127.0.0.1"), "");
  EXPECT_THROW(roster.check(config_with(3, "127.0.0.1")), StartError);
  EXPECT_THROW(roster.check(config_with(2, "127.0.0.2")), StartError);
  SupervisorConfig everywhere = config_with(2, "127.0.0.1");
  everywhere.listen.clear();
  EXPECT_THROW(roster.check(everywhere), StartError);
}

TEST(Roster, RemembersWhereTheProgramsMovedTo) {
  Roster roster = Roster::create(config_with(1, "127.0.0.1"), "");
  for (const char* folder : {"/a", "/a/longer/one", "/b"}) {
    roster.set_folder(folder);
    EXPECT_EQ(roster.folder(), folder);
  }
  roster.set_folder(std::string(5000, 'x'));
  EXPECT_EQ(roster.folder(), "/b");
}

TEST(Roster, GivesTheUpgradeClientToTheProcessThatPutItThere) {
  Roster roster = Roster::create(config_with(1, "127.0.0.1"), "");
  EXPECT_EQ(roster.take_upgrade_client(), -1);
  roster.set_upgrade_client(7);
  EXPECT_EQ(roster.take_upgrade_client(), 7);
  EXPECT_EQ(roster.take_upgrade_client(), -1);
  roster.set_upgrade_client(7);
  auto segment = RosterSegment::attach(roster.fd());
  ASSERT_TRUE(segment);
  (*segment)->upgrader.pid.store(1);
  EXPECT_EQ(roster.take_upgrade_client(), -1);
}

}  // namespace
}  // namespace sluice::supervisor
