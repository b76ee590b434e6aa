#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
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

namespace sluice::testing_native {

using Json = nlohmann::ordered_json;
using namespace std::chrono_literals;

/// Different at each draw, the same in each run.
class SeededEntropy final : public Entropy {
 public:
  void fill(MutableBytes out) override {
    for (std::byte& b : out) b = static_cast<std::byte>(random_() & 0xFFU);
  }

 private:
  std::mt19937 random_{7};
};

/// Remembers what went to each connection.
class RecordingSink final : public ConnectionSink {
 public:
  struct Record {
    std::vector<std::string> sent;
    std::optional<std::pair<int, std::string>> closed;
  };
  void send(ConnectionId connection, SharedText text) override {
    Record& record = records[connection.value];
    EXPECT_FALSE(record.closed) << "sent after close: " << *text;
    record.sent.push_back(*text);
    texts.push_back(text);
  }
  void send_binary(ConnectionId, SharedText) override { ADD_FAILURE() << "the native protocol sends text only"; }
  void terminate(ConnectionId connection) override { close(connection, 1006, ""); }
  void close(ConnectionId connection, std::uint16_t code, std::string_view reason) override {
    EXPECT_FALSE(records[connection.value].closed) << "closed twice";
    records[connection.value].closed = {code, std::string(reason)};
  }
  std::map<std::uint64_t, Record> records;
  std::vector<SharedText> texts;
};

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
class Server {
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
    const std::uint64_t client = ++last_;
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

  /// The oldest message that the client has not read yet; null when there is none.
  Json next(std::uint64_t client) {
    auto& sent = sink.records[client].sent;
    std::size_t& read = read_[client];
    return read < sent.size() ? Json::parse(sent[read++]) : Json();
  }
  std::string next_raw(std::uint64_t client) {
    auto& sent = sink.records[client].sent;
    std::size_t& read = read_[client];
    return read < sent.size() ? sent[read++] : "";
  }
  void forget() {
    for (auto& [client, record] : sink.records) read_[client] = record.sent.size();
  }
  bool quiet(std::uint64_t client) { return read_[client] == sink.records[client].sent.size(); }
  std::optional<std::pair<int, std::string>> closed(std::uint64_t client) { return sink.records[client].closed; }
  const std::string& id(std::uint64_t client) { return ids[client]; }
  PeerId peer(std::uint64_t client) { return PeerId(ids[client]); }

  Bus bus;
  SeededEntropy entropy;
  Rooms rooms;
  Publications publications;
  Sessions sessions;
  RecordingMedia media;
  RecordingSink sink;
  NativeDialect dialect;
  std::unique_ptr<SfuSignaling> sfu_signaling;
  TimePoint now = TimePoint{} + 1h;
  std::map<std::uint64_t, std::string> ids;
  std::map<std::uint64_t, std::string> tokens;

 private:
  std::map<std::uint64_t, std::size_t> read_;
  std::uint64_t last_ = 0;
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
