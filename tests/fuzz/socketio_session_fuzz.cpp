// uses: control_signaling_rtcio control_signaling_wrtcsignal
// Lines of input are what four clients do; the first byte of a line says who and how: by WebSocket, by polling, an upgrade,
// a loss, time. Whatever comes, sockets that were closed get nothing more, and when all have gone nothing stays behind.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "control/signaling/rtcio/rtcio_dialect.hpp"
#include "control/signaling/wrtcsignal/wrtc_dialect.hpp"
#include "tests/support/seeded_entropy.hpp"

using namespace sluice;
using namespace sluice::socketio;

namespace {

class CheckingSink final : public EngineSink {
 public:
  void answer(RequestId request, EngineResponse response) override {
    if (pending.erase(request) != 1) std::abort();  // once, and only what was asked
    const std::size_t at = response.body.find("\"sid\":\"");
    if (response.body.starts_with("0{") && at != std::string::npos) sid = response.body.substr(at + 7, 20);
  }
  void send(SocketId socket, const SharedText& data, bool binary) override {
    if (!open.contains(socket)) std::abort();
    if (!binary && (data->empty() || data->front() < '0' || data->front() > '6')) std::abort();
  }
  void close(SocketId socket) override { open.erase(socket); }
  void terminate(SocketId socket) override { open.erase(socket); }
  std::set<RequestId> pending;
  std::set<SocketId> open;
  std::string sid;  // of the last handshake by polling
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bus bus;
  test::SeededEntropy entropy(1);
  Rooms rooms(bus, entropy, {}, [](TimePoint) { return std::int64_t{0}; });
  CheckingSink sink;
  Endpoint rtcio_endpoint;
  Endpoint wrtc_endpoint;
  SocketServer server(
      [&](std::string_view name, const JsonView& auth, std::uint8_t) -> Endpoint* {
        if (name != "/") return nullptr;
        const auto object = JsonObject::of(auth);
        return object && object->find("token") ? &wrtc_endpoint : &rtcio_endpoint;
      },
      entropy);
  EngineSettings settings;
  settings.queue_bytes_max = 4096;
  EngineServer engine(settings, server, sink, entropy);
  server.attach(engine);
  const WrtcTokens tokens("s");
  const auto room_id = [](std::string_view name) { return RoomId("x:" + std::string(name)); };
  RtcioDialect rtcio(server, rtcio_endpoint, rooms, bus, room_id, {});
  WrtcDialect wrtc(server, wrtc_endpoint, rooms, bus, entropy, tokens, room_id, [](TimePoint) { return std::int64_t{0}; },
                   {});
  rtcio_endpoint.application = &rtcio;
  rtcio_endpoint.recovery = std::make_unique<RecoveryStore>(RecoverySettings{std::chrono::milliseconds(120'000), 8192, 4});
  wrtc_endpoint.application = &wrtc;

  TimePoint now{};
  std::uint64_t last = 0;
  SocketId sockets[4] = {};
  const auto open = [&](SocketId& socket, const std::string& query) {
    socket = ++last;
    sink.open.insert(socket);
    engine.ws_open(socket, {EngineRequest::Method::get, query, "", "", "192.0.2.1", "", 0}, now);
  };
  const auto request = [&](EngineRequest::Method method, const std::string& query, std::string_view body) {
    const RequestId id = ++last;
    sink.pending.insert(id);
    engine.http_begin(id, {method, query, "", "", "192.0.2.1", "", 0}, now);
    if (method == EngineRequest::Method::post && sink.pending.contains(id)) engine.post_body(id, body, now);
    return id;
  };
  for (SocketId& socket : sockets) {
    open(socket, "EIO=4&transport=websocket");
    engine.ws_message(socket, &socket == sockets ? R"(40{"token":")" + tokens.app_token("a") + "\"}" : "40", false, now);
  }
  std::string_view text(reinterpret_cast<const char*>(data), size);
  for (int lines = 0; !text.empty() && lines < 400; ++lines) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.empty()) continue;
    SocketId& socket = sockets[static_cast<unsigned char>(line[0]) & 3U];
    const std::string_view rest = line.substr(1);
    const std::string polling = "EIO=4&transport=polling&sid=" + sink.sid;
    switch (static_cast<unsigned char>(line[0]) >> 4U) {
      case 0x3:
        engine.ws_message(socket, rest, true, now);
        break;
      case 0x5:
        request(EngineRequest::Method::post, polling, rest);
        break;
      case 0x6:
        request(EngineRequest::Method::get, rest.empty() ? polling : std::string(rest), "");
        break;
      case 0x7:
        now += std::chrono::seconds(1 + rest.size());
        for (int i = 0; i < 1000 && engine.next_deadline() <= now; ++i) engine.handle_timeout(now);
        break;
      case 0xC:
        sink.open.erase(socket);
        engine.ws_close(socket, now);
        open(socket, rest.empty() ? "EIO=4&transport=websocket" : "EIO=4&transport=websocket&sid=" + sink.sid);
        break;
      case 0xD:
        if (!sink.pending.empty()) {
          const RequestId gone = *sink.pending.begin();
          sink.pending.erase(gone);
          engine.http_lost(gone, now);
        }
        break;
      default:
        if (sink.open.contains(socket)) engine.ws_message(socket, rest, false, now);
        break;
    }
  }
  for (const SocketId socket : std::set<SocketId>(sink.open)) {
    sink.open.erase(socket);
    engine.ws_close(socket, now);
  }
  for (int rest = 0; rest < 3; ++rest) {  // a session that polls is closed first, and forgotten when no poll asks for it
    now += std::chrono::minutes(5);
    for (int i = 0; i < 1000 && engine.next_deadline() <= now; ++i) engine.handle_timeout(now);
  }
  if (engine.session_count() != 0 || server.socket_count() != 0 || !rooms.peers().empty() || !rooms.rooms().empty())
    std::abort();
  if (rtcio.room_count() != 0 || rtcio_endpoint.rooms.size() != 0 || !sink.pending.empty()) std::abort();
  return 0;
}
