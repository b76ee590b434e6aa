// uses: control_signaling_native control_rooms control_sessions
// Lines of input are messages, the first byte of a line says which of four clients sends it (or drops, or comes back).
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>

#include "control/json/json_view.hpp"
#include "control/signaling/native/native_dialect.hpp"
#include "control/signaling/native/sfu_signaling.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace {

using namespace sluice;

/// Whatever goes out is one valid JSON object, to a connection that is open.
class CheckingSink final : public ConnectionSink {
 public:
  void send(ConnectionId connection, SharedText text) override {
    const auto view = JsonView::parse(*text, 80);  // what was relayed lies somewhat deeper than it came
    if (!open.contains(connection.value) || !view || view->kind() != JsonKind::object) std::abort();
  }
  void send_binary(ConnectionId, SharedText) override { std::abort(); }
  void terminate(ConnectionId connection) override { close(connection, 1006, ""); }
  void close(ConnectionId connection, std::uint16_t, std::string_view reason) override {
    if (open.erase(connection.value) != 1 || reason.size() > 123) std::abort();
  }
  std::map<std::uint64_t, bool> open;
};

class EchoMedia final : public MediaSignaling {
 public:
  Result<Answer, OfferError> handle_offer(const PeerId&, std::string_view sdp, TimePoint) override {
    if (sdp.empty()) return unexpected(OfferError{"SFU_OFFER_INVALID", "empty"});
    return Answer{std::string(sdp), {}};
  }
  void handle_candidate(const PeerId&, std::string_view) override {}
  std::optional<std::string> mid_of_consumer(const ConsumerId&) const override { return "1"; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto unix_ms = [](TimePoint) { return std::int64_t{0}; };
  SignalingOptions options;
  options.reconnect_ttl = std::chrono::seconds(5);
  Bus bus;
  test::SeededEntropy entropy(1);
  Rooms rooms(bus, entropy, options.rooms(), unix_ms);
  Publications publications(rooms, bus, entropy, {}, unix_ms);
  Sessions sessions(rooms, bus, entropy, options.sessions());
  EchoMedia media;
  CheckingSink sink;
  NativeDialect dialect(rooms, sessions, bus, sink, options);
  SfuSignaling sfu(rooms, publications, media, dialect.outbox(), bus, {});
  dialect.attach_sfu(sfu);

  TimePoint now{};
  std::uint64_t last = 0;
  std::uint64_t clients[4] = {};
  const auto open = [&](std::size_t which) {
    clients[which] = ++last;
    sink.open[last] = true;
    dialect.on_open({last}, {"192.0.2.1", "/", ""}, now);
  };
  for (std::size_t i = 0; i < 4; ++i) {
    open(i);
    dialect.on_message({clients[i]}, as_bytes(R"({"type":"join","roomId":"r"})"), now);
  }
  std::string_view text(reinterpret_cast<const char*>(data), size);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty()) continue;
    const std::size_t which = static_cast<unsigned char>(line[0]) & 3U;
    const unsigned action = static_cast<unsigned char>(line[0]) >> 4U;
    now += std::chrono::milliseconds(100);
    sessions.handle_timeout(now);
    if (action == 0xC || action == 0xD) {  // lost, and back on a new socket, with a token for every second one
      const auto connection = clients[which];
      std::string token;
      for (const auto& [peer, tokens] : sessions.tokens()) token = tokens.reconnect;
      sink.open.erase(connection);
      dialect.on_close({connection}, now);
      open(which);
      const std::string back = R"({"type":"reconnect","roomId":"r","token":")" + (action == 0xC ? token : "") + "\"}";
      dialect.on_message({clients[which]}, as_bytes(back), now);
      continue;
    }
    dialect.on_message({clients[which]}, as_bytes(line.substr(1)), now);
  }
  for (const std::uint64_t client : clients) {
    sink.open.erase(client);
    dialect.on_close({client}, now);
  }
  sessions.handle_timeout(now + std::chrono::seconds(6));
  // All have gone: nothing may stay behind.
  if (!rooms.peers().empty() || !rooms.rooms().empty() || dialect.connection_count() != 0) std::abort();
  if (!publications.publications().empty() || !publications.subscriptions().empty() || !sessions.tokens().empty())
    std::abort();
  return 0;
}
