#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "control/bus/bus.hpp"
#include "control/rooms/media_signaling.hpp"
#include "control/rooms/publications.hpp"
#include "control/rooms/rooms.hpp"
#include "control/sessions/sessions.hpp"
#include "control/signaling/native/native_dialect.hpp"
#include "control/signaling/native/sfu_signaling.hpp"
#include "tests/control/signaling/recorded_clients.hpp"
#include "tests/support/seeded_entropy.hpp"

namespace sluice::testing_native {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

/// Records what the dialect asks of the media side, and answers as told.
class RecordingMedia final : public MediaSignaling {
 public:
  explicit RecordingMedia(Bus& bus) : bus_(bus) {}
  Result<Answer, OfferError> handle_offer(const PeerId& peer, std::string_view sdp, TimePoint) override {
    offers.emplace_back(peer.value, sdp);
    for (const auto& [consumer, line] : ready) bus_.publish(ConsumerReady{peer, consumer, line});
    if (offer_error) return unexpected(*offer_error);
    return Answer{"answer to " + std::string(sdp), ready};
  }
  void handle_candidate(const PeerId& peer, std::string_view raw) override { candidates.emplace_back(peer.value, raw); }
  std::optional<std::string> mid_of_consumer(const ConsumerId&) const override { return mid; }

  std::vector<std::pair<std::string, std::string>> offers;
  std::vector<std::pair<std::string, std::string>> candidates;
  std::vector<std::pair<ConsumerId, std::string>> ready;
  std::optional<OfferError> offer_error;
  std::optional<std::string> mid;

 private:
  Bus& bus_;
};

/// A server of plain signalling, with the SFU attached if wanted, and clients that are numbers.
class Server : public test::RecordedClients {
 public:
  explicit Server(SignalingOptions options = {}, bool sfu = false)
      : rooms(bus, entropy, options.rooms(), [](TimePoint at) { return at.time_since_epoch() / 1ms; }),
        publications(rooms, bus, entropy, SfuOptions{}.publications(),
                     [](TimePoint at) { return at.time_since_epoch() / 1ms; }),
        sessions(rooms, bus, entropy, options.sessions()),
        media(bus),
        dialect(rooms, sessions, bus, sink, options) {
    if (sfu) {
      sfu_signaling = std::make_unique<SfuSignaling>(rooms, publications, media, dialect.outbox(), bus, SfuOptions{});
      dialect.attach_sfu(*sfu_signaling);
    }
  }

  /// Opens a connection; returns the number of the client.
  std::uint64_t open() {
    const std::uint64_t client = new_client();
    dialect.on_open({client}, {"192.0.2.1", "/", ""}, now);
    const Json hello = next(client);
    EXPECT_EQ(hello.value("type", ""), "connected");
    ids[client] = hello.value("peerId", "");
    return client;
  }
  void send(std::uint64_t client, const std::string& text) { dialect.on_message({client}, as_bytes(text), now); }
  void close(std::uint64_t client) { dialect.on_close({client}, now); }
  void pass(Duration time) {
    now += time;
    sessions.handle_timeout(now);
  }
  /// Opens and joins; forgets the messages of joining, all clients'.
  std::uint64_t join(const std::string& room = "r", const std::string& metadata = "{}") {
    const std::uint64_t client = open();
    send(client, R"({"type":"join","roomId":")" + room + R"(","metadata":)" + metadata + "}");
    const Json joined = next(client);
    EXPECT_EQ(joined.value("type", ""), "room:joined") << joined;
    tokens[client] = joined.value("reconnectToken", "");
    forget();
    return client;
  }

  const std::string& id(std::uint64_t client) { return ids[client]; }
  PeerId peer(std::uint64_t client) { return PeerId(ids[client]); }

  Bus bus;
  test::SeededEntropy entropy;
  Rooms rooms;
  Publications publications;
  Sessions sessions;
  RecordingMedia media;
  NativeDialect dialect;
  std::unique_ptr<SfuSignaling> sfu_signaling;
  TimePoint now = TimePoint{} + 1h;
  std::map<std::uint64_t, std::string> ids;
  std::map<std::uint64_t, std::string> tokens;
};

inline SignalingOptions held(std::chrono::milliseconds ttl = 15s) {
  SignalingOptions options;
  options.reconnect_ttl = ttl;
  return options;
}

using Closed = std::optional<std::pair<int, std::string>>;

#define EXPECT_ERROR(server, client, expected) \
  EXPECT_EQ((server).next(client), ::sluice::testing_native::Json::parse(expected))

}  // namespace sluice::testing_native
