// uses: control_api
// Any bytes on the control socket: whatever chunks they come in, lines are the same, every request with an id is answered
// once, and nothing else is said than JSON-RPC 2.0.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "control/api/line_reader.hpp"
#include "control/api/rpc_session.hpp"
#include "tests/fuzz/support/require.hpp"

namespace {

using namespace sluice;
using fuzz::require;

class Sink final : public RpcSink {
 public:
  void write(std::string line) override {
    const auto message = nlohmann::json::parse(line, nullptr, false);
    require(!message.is_discarded() && line.find('\n') == std::string::npos);
    for (const auto& part : message.is_array() ? message : nlohmann::json::array({message}))
      require(part.at("jsonrpc") == "2.0");
    lines.push_back(std::move(line));
  }
  [[nodiscard]] std::size_t queued_bytes() const override { return 0; }
  void close() override {}
  std::vector<std::string> lines;
};

std::vector<std::string> answers(std::string_view bytes, std::size_t chunk) {
  static const Operations operations = [] {
    Operations all;
    all.add({"test.echo",
             "",
             {{"text", "string", true, ""}},
             "",
             [](const nlohmann::json& params, const OperationCaller&, const OperationReply& reply) { reply(params); }});
    return all;
  }();
  EventFeed events;
  Sink sink;
  RpcSession session({operations, events, nullptr, nullptr}, sink, {"control-socket", "uid 0"});
  LineReader reader(4096);
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, chunk);
    bytes.remove_prefix(part.size());
    reader.feed(as_bytes(part));
    while (const auto line = reader.next()) {
      if (line->too_long) {
        session.receive_too_long();
      } else {
        session.receive(line->text);
      }
      events.emit("peer:joined", {{"roomId", "r"}});
    }
    require(reader.size() <= 4097);
  }
  return sink.lines;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  require(answers(text, 1U << 16U) == answers(text, 7));
  return 0;
}
