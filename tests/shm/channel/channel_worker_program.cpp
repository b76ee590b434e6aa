// A worker as far as the channel goes, for channel_processes_test: FD of the segment, FD of the command bell, FD of the
// event bell, and how many commands to handle before dying (0: never). Answers each Commit with GenerationApplied.
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "shm/channel/message_receiver.hpp"
#include "shm/channel/message_sender.hpp"
#include "shm/channel/shared_segment.hpp"

int main(int argc, char** argv) {
  using namespace sluice;
  if (argc != 5) return 2;
  auto segment = SharedSegment::attach(std::atoi(argv[1]));
  if (!segment) return 3;
  CommandReceiver commands((*segment)->commands, Doorbell(Descriptor(std::atoi(argv[2]))));
  EventSender events((*segment)->events, Doorbell(Descriptor(std::atoi(argv[3]))));
  unsigned left = static_cast<unsigned>(std::atoi(argv[4]));
  (*segment)->worker_heartbeat.restart(static_cast<std::uint32_t>(getpid()));
  (*segment)->generations.worker_incarnation.fetch_add(1);
  flatbuffers::FlatBufferBuilder builder;
  for (;;) {
    (*segment)->worker_heartbeat.beat(TimePoint(Duration(1)));
    while (const schema::Command* command = commands.receive()) {
      (*segment)->counters.add(Counter::commands_applied);
      if (const auto* commit = command->body_as_Commit()) {
        if (commit->generation() == 0) return 0;
        (*segment)->generations.committed.store(commit->generation(), std::memory_order_release);
        if (events.send(builder, schema::CreateGenerationApplied(builder, commit->generation())) != PushResult::ok) return 4;
      }
      if (left != 0 && --left == 0) kill(getpid(), SIGKILL);
    }
    if (!commands.prepare_to_sleep()) continue;
    pollfd poller{commands.doorbell_fd(), POLLIN, 0};
    if (poll(&poller, 1, 20'000) != 1) return 5;
    commands.wake_up();
  }
}
