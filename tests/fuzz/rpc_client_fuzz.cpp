// uses: control_embedding
// What a server says over the control socket, line by line, to the client's machine and the mirror behind it.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "control/embedding/mirror.hpp"
#include "control/embedding/rpc_client.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  using namespace sluice::embedding;
  Mirror mirror;
  std::vector<RpcClient::Question> questions;
  RpcClient client(
      {.on_event = [&](std::string name, nlohmann::json event,
                       std::uint64_t number) { (void)mirror.apply(std::move(name), std::move(event), number); },
       .on_events_dropped = [](std::uint64_t) {},
       .on_question = [&](RpcClient::Question question) { questions.push_back(std::move(question)); }});
  client.connected();
  client.setup_call("server.snapshot", nlohmann::json::object(), never, [&](const CallResult& result) {
    if (result) (void)mirror.reconcile(*result);
  });
  client.set_up();
  client.call("rooms.create", nlohmann::json::object(), never, [&](const CallResult& result) {
    if (result) (void)mirror.take_room(*result);
  });
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    client.receive(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  for (const auto& question : questions) client.answer(question, true);
  while (client.poll_line()) {
  }
  client.disconnected();
  return 0;
}
