#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/signaling/connections/connection_sink.hpp"

namespace sluice::test {

/// Remembers what went to each connection of a dialect that sends text only.
class RecordingSink : public ConnectionSink {
 public:
  struct Record {
    std::vector<std::string> sent;
    std::optional<std::pair<int, std::string>> closed;
    int pings = 0;
  };
  void send(ConnectionId connection, SharedText text) override {
    Record& record = records[connection.value];
    EXPECT_FALSE(record.closed) << "sent after close: " << *text;
    record.sent.push_back(*text);
    texts.push_back(text);
  }
  void send_binary(ConnectionId, SharedText) override { ADD_FAILURE() << "this dialect sends text only"; }
  void terminate(ConnectionId connection) override { close(connection, 1006, ""); }
  void close(ConnectionId connection, std::uint16_t code, std::string_view reason) override {
    EXPECT_FALSE(records[connection.value].closed) << "closed twice";
    records[connection.value].closed = {code, std::string(reason)};
  }
  void ping(ConnectionId connection) override { ++records[connection.value].pings; }
  std::map<std::uint64_t, Record> records;
  std::vector<SharedText> texts;
};

/// The clients of a server under test, which are numbers: what each was told, and what of that it has read.
class RecordedClients {
 public:
  using Json = nlohmann::ordered_json;

  /// The oldest message that the client has not read yet; null when there is none.
  Json next(std::uint64_t client) {
    const std::string text = next_raw(client);
    return text.empty() ? Json() : Json::parse(text);
  }
  std::string next_raw(std::uint64_t client) {
    const auto& sent = sink.records[client].sent;
    std::size_t& read = read_[client];
    return read < sent.size() ? sent[read++] : "";
  }
  void forget() {
    for (auto& [client, record] : sink.records) read_[client] = record.sent.size();
  }
  bool quiet(std::uint64_t client) { return read_[client] == sink.records[client].sent.size(); }
  std::optional<std::pair<int, std::string>> closed(std::uint64_t client) { return sink.records[client].closed; }

  RecordingSink sink;

 protected:
  std::uint64_t new_client() { return ++last_; }

 private:
  std::map<std::uint64_t, std::size_t> read_;
  std::uint64_t last_ = 0;
};

}  // namespace sluice::test
