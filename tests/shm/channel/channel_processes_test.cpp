// Control and a worker in two programs, over inherited descriptors; the worker is killed in the middle.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "shm/channel/message_receiver.hpp"
#include "shm/channel/message_sender.hpp"
#include "shm/channel/shared_segment.hpp"
#include "test_paths.hpp"

namespace sluice {
namespace {

class ChannelProcesses : public testing::Test {
 protected:
  static Doorbell same_bell(const Doorbell& bell) { return Doorbell(Descriptor(dup(bell.fd()))); }
  pid_t start_worker(unsigned commands_to_live) {
    const pid_t child = fork();
    if (child != 0) return child;
    // dup() clears close-on-exec.
    const std::string segment = std::to_string(dup(segment_.fd()));
    const std::string commands = std::to_string(dup(command_bell_.fd()));
    const std::string events = std::to_string(dup(event_bell_.fd()));
    const std::string life = std::to_string(commands_to_live);
    const char* const program = SLUICE_BIN_DIR "/channel_worker_program";
    execl(program, program, segment.c_str(), commands.c_str(), events.c_str(), life.c_str(), static_cast<char*>(nullptr));
    _exit(9);
  }
  static int reap(pid_t child) {
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return status;
  }
  void commit(std::uint64_t generation) {
    ASSERT_EQ(sender_.send(builder_, schema::CreateCommit(builder_, generation)), PushResult::ok);
  }
  /// The next event's generation; sleeps on the bell like control's loop.
  std::uint64_t next_applied() {
    for (;;) {
      if (const schema::Event* event = receiver_.receive()) return event->body_as_GenerationApplied()->generation();
      if (!receiver_.prepare_to_sleep()) continue;
      pollfd poller{receiver_.doorbell_fd(), POLLIN, 0};
      if (poll(&poller, 1, 20'000) != 1) return 0;
      receiver_.wake_up();
    }
  }
  SharedSegment segment_ = *SharedSegment::create("test", 1);
  Doorbell command_bell_ = *Doorbell::create();
  Doorbell event_bell_ = *Doorbell::create();
  CommandSender sender_{segment_->commands, same_bell(command_bell_)};
  EventReceiver receiver_{segment_->events, same_bell(event_bell_)};
  flatbuffers::FlatBufferBuilder builder_;
};

TEST_F(ChannelProcesses, talk_over_the_segment_and_wake_each_other) {
  const pid_t worker = start_worker(0);
  for (std::uint64_t generation = 1; generation <= 2000; ++generation) {
    commit(generation);
    ASSERT_EQ(next_applied(), generation);
  }
  commit(0);
  EXPECT_EQ(reap(worker), 0);
  EXPECT_EQ(segment_->generations.committed, 2000U);
  EXPECT_EQ(segment_->counters.snapshot()[Counter::commands_applied], 2001U);
  EXPECT_EQ(segment_->worker_heartbeat.read().pid, static_cast<std::uint32_t>(worker));
}

TEST_F(ChannelProcesses, go_on_with_a_successor_when_a_worker_was_killed) {
  std::uint64_t generation = 0;
  std::uint64_t last_applied = 0;
  for (unsigned life = 1; life <= 10; ++life) {
    const pid_t worker = start_worker(life);
    for (unsigned i = 0; i < life; ++i) commit(++generation);
    const int status = reap(worker);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  }
  const pid_t worker = start_worker(0);
  commit(0);
  EXPECT_EQ(reap(worker), 0);
  // Every worker died behind publishing its last event, so the events are all there, in order.
  while (last_applied < generation) {
    const std::uint64_t applied = next_applied();
    ASSERT_EQ(applied, last_applied + 1);
    last_applied = applied;
  }
  EXPECT_EQ(segment_->generations.worker_incarnation, 11U);
}

}  // namespace
}  // namespace sluice
