// uses: control_signaling_protoo sluice::json
// Any text from a client of protoo: what is taken is what JavaScript would take, an id is echoed as the same number, and a
// dialect with two joined peers answers each request exactly once, whatever else it is sent.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "control/signaling/protoo/protoo_dialect.hpp"
#include "tests/fuzz/support/require.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace {

using namespace sluice;
using fuzz::require;
using Json = nlohmann::json;

/// Everything that goes out must be a message of the protocol.
class Reader final : public ConnectionSink {
 public:
  void send(ConnectionId connection, SharedText text) override {
    const Json message = Json::parse(*text, nullptr, false);
    if (!message.is_discarded()) {
      require(message.is_object() && protoo::parse(*text));
    } else {
      require(protoo::parse(*text).has_value());  // lone surrogates pass through, which the package does not take
    }
    const auto parsed = protoo::parse(*text);
    if (connection.value == 1 && std::holds_alternative<protoo::Response>(*parsed)) ++responses;
  }
  void send_binary(ConnectionId, SharedText) override { std::abort(); }
  void close(ConnectionId, std::uint16_t, std::string_view) override { closed = true; }
  void terminate(ConnectionId) override { std::abort(); }
  void ping(ConnectionId) override {}
  int responses = 0;
  bool closed = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Bus bus;
  test::SeededEntropy entropy;
  const RoomNames names;
  Rooms rooms(bus, entropy, {}, [](TimePoint) { return std::int64_t{0}; });
  Reader sink;
  ProtooDialect dialect(rooms, bus, sink, names, {}, [](TimePoint) { return std::int64_t{0}; });
  TimePoint now = TimePoint{} + std::chrono::hours(1);
  for (const std::uint64_t client : {1U, 2U}) {
    dialect.open({client}, {"r", client == 1 ? "a" : "b", ""}, "192.0.2.1", now);
    dialect.on_message({client}, as_bytes(R"({"request":true,"id":1,"method":"join"})"), MessageKind::text, now);
  }
  sink.responses = 0;
  // Lines are messages of the first client.
  int requests = 0;
  for (std::string_view rest = input; !rest.empty() && !sink.closed;) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    const auto message = protoo::parse(line);
    if (message) {
      const Json tree = Json::parse(JsonView::parse(line, 512)->well_formed(), nullptr, false);
      require(tree.is_object());
      if (const auto* request = std::get_if<protoo::Request>(&*message)) {
        ++requests;
        require(tree["id"].is_number() && tree["method"] == request->method);
        require(Json::parse(request->id, nullptr, false) == tree["id"]);
      }
    }
    dialect.on_message({1}, as_bytes(line), MessageKind::text, now);
  }
  // Requests that wait for the other client end by its time-outs; then each has had its one answer.
  for (int i = 0; i < 4 && dialect.next_deadline() != never; ++i) dialect.handle_timeout(now += std::chrono::hours(1));
  if (!sink.closed) require(sink.responses == requests);
  return 0;
}
