// uses: control_signaling_partyrooms sluice::json
// The first line is the URL of a client of a party room, the others are its messages: nothing that is not UTF-8 gets into a
// list, lists are JSON, and everything else arrives as it was sent.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "control/signaling/partyrooms/party_dialect.hpp"
#include "control/signaling/partyrooms/party_http.hpp"
#include "control/signaling/url/url_text.hpp"
#include "tests/fuzz/support/require.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace {

using namespace sluice;
using fuzz::require;
using Json = nlohmann::json;

class Reader final : public ConnectionSink {
 public:
  void send(ConnectionId connection, SharedText text) override {
    if (connection.value == 1) received.push_back(*text);
  }
  void send_binary(ConnectionId, SharedText) override { std::abort(); }
  void close(ConnectionId, std::uint16_t, std::string_view) override {}
  void terminate(ConnectionId) override { std::abort(); }
  void ping(ConnectionId) override { std::abort(); }
  std::vector<std::string> received;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string_view target = input.substr(0, input.find('\n'));
  const std::string_view path = target.substr(0, target.find('?'));
  const std::string_view query = path.size() == target.size() ? std::string_view{} : target.substr(path.size() + 1);
  Bus bus;
  test::SeededEntropy entropy;
  const RoomNames names;
  PartyOptions options;
  options.turn = {{"turn:t"}, {"s"}, std::chrono::seconds(60)};
  PartyHttp http(options, entropy);
  const auto reply = http.handle({"GET", path, query, "", "192.0.2.1"}, TimePoint{}, 0);
  const auto url = read_party_url(path, query, options);
  require(url ? reply.status == 200 : reply.status == url.error().status);
  if (!url) return 0;
  require(!url->room.empty() && url::is_utf8(url->room) && url::is_utf8(url->id));

  Rooms rooms(bus, entropy, {}, [](TimePoint) { return std::int64_t{0}; });
  Reader sink;
  PartyDialect dialect(rooms, bus, sink, names, entropy, options);
  const TimePoint now = TimePoint{} + std::chrono::hours(1);
  dialect.open({1}, {url->room, "a", false}, "192.0.2.1", now);
  dialect.open({2}, *url, "192.0.2.1", now);
  const bool same = url->id == "a";
  require(sink.received.size() == (same ? 1U : 2U));
  for (const std::string& list : sink.received) require(Json::parse(list)["type"] == "info:peerlist");
  if (!same && !url->id.empty()) require(Json::parse(sink.received[1])["peers"][0] == url->id);
  sink.received.clear();
  std::vector<std::string> sent;
  std::string_view rest = input.substr(std::min(input.size(), target.size() + 1));
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    sent.emplace_back(line);
    dialect.on_message({2}, as_bytes(line), MessageKind::text, now);
  }
  require(same ? sink.received.empty() : sink.received == sent);
  dialect.on_close({2}, now);
  dialect.on_close({1}, now);
  require(rooms.peers().empty());
  return 0;
}
