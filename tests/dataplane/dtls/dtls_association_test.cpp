#include "dataplane/dtls/dtls_association.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dataplane/dtls/dtls_limits.hpp"
#include "shm/types/byte_order.hpp"
#include "tests/dataplane/dtls/dtls_fixture.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using dtls_test::Buffer;
using dtls_test::client_certificate;
using dtls_test::Pair;
using dtls_test::server_certificate;

void expect_matching_keys(const Pair& pair) {
  const auto server = pair.server.association->export_keys();
  const auto client = pair.client.association->export_keys();
  ASSERT_TRUE(server && client);
  EXPECT_EQ(server->profile, SrtpProfile::aead_aes_128_gcm);
  EXPECT_EQ(client->profile, server->profile);
  EXPECT_EQ(server->size, 28U);
  EXPECT_TRUE(std::ranges::equal(server->local_key_salt(), client->remote_key_salt()));
  EXPECT_TRUE(std::ranges::equal(server->remote_key_salt(), client->local_key_salt()));
  EXPECT_FALSE(std::ranges::equal(server->local_key_salt(), server->remote_key_salt()));
}

TEST(DtlsAssociation, two_ends_connect_and_export_the_same_keys) {
  Pair pair;
  const TimePoint before = pair.now;
  pair.run();
  EXPECT_TRUE(pair.both_connected());
  EXPECT_EQ(pair.server.connected, 1);
  EXPECT_EQ(pair.client.connected, 1);
  EXPECT_EQ(pair.now, before);
  EXPECT_LE(pair.largest, DtlsLimits::datagram_bytes_max);
  EXPECT_EQ(pair.server.association->next_deadline(), never);
  EXPECT_EQ(pair.client.association->next_deadline(), never);
  expect_matching_keys(pair);
  // Again, for a worker that lost the first message.
  const auto again = pair.server.association->export_keys();
  EXPECT_TRUE(std::ranges::equal(again->local_key_salt(), pair.server.association->export_keys()->local_key_salt()));
}

TEST(DtlsAssociation, survives_the_loss_of_any_datagram) {
  for (int lost = 0; lost < 12; ++lost) {
    Pair pair;
    pair.run([lost](int index, Buffer&) { return index == lost ? 0 : 1; });
    ASSERT_TRUE(pair.both_connected()) << "lost " << lost;
    expect_matching_keys(pair);
    EXPECT_LE(pair.now - TimePoint(1000s), 2s);
  }
}

TEST(DtlsAssociation, survives_the_duplication_of_any_datagram_and_of_all) {
  for (int doubled = 0; doubled < 8; ++doubled) {
    Pair pair;
    pair.run([doubled](int index, Buffer&) { return index == doubled || doubled == 7 ? 2 : 1; });
    ASSERT_TRUE(pair.both_connected()) << "doubled " << doubled;
    expect_matching_keys(pair);
  }
}

TEST(DtlsAssociation, survives_heavy_loss_within_its_time) {
  int connected = 0;
  for (unsigned seed = 0; seed < 40; ++seed) {
    Pair pair;
    std::mt19937 random(seed);
    pair.run([&random](int, Buffer&) { return random() % 100 < 30 ? 0 : 1; });
    if (pair.both_connected()) {
      ++connected;
      expect_matching_keys(pair);
    }
  }
  EXPECT_GE(connected, 36);
}

TEST(DtlsAssociation, survives_reordered_records_of_a_flight) {
  // Each record of the server's flight becomes a datagram of its own, and they arrive in every rotation and backwards.
  for (int order = 0; order < 8; ++order) {
    Pair pair;
    pair.client.association->start(pair.now);
    pair.client.drain();
    ASSERT_TRUE(pair.server.association->handle_datagram(pair.now, pair.client.outbox.at(0)));
    pair.client.outbox.clear();
    pair.server.drain();
    std::vector<Buffer> records;
    for (const Buffer& datagram : pair.server.outbox) {
      for (std::size_t at = 0; at < datagram.size();) {
        const std::size_t size = 13U + load_u16(datagram, at + 11);
        records.emplace_back(datagram.begin() + static_cast<std::ptrdiff_t>(at),
                             datagram.begin() + static_cast<std::ptrdiff_t>(at + size));
        at += size;
      }
    }
    ASSERT_GE(records.size(), 3U);
    if (order == 7) {
      std::reverse(records.begin(), records.end());
    } else {
      std::rotate(records.begin(), records.begin() + order % static_cast<int>(records.size()), records.end());
    }
    pair.server.outbox = records;
    pair.run();
    EXPECT_TRUE(pair.both_connected()) << "order " << order;
  }
}

TEST(DtlsAssociation, gives_no_keys_for_a_wrong_fingerprint_on_either_side) {
  const Fingerprint wrong = Fingerprint::of({});
  {
    Pair pair(wrong, server_certificate().fingerprint());
    pair.run();
    EXPECT_EQ(pair.server.failures, std::vector{DtlsFailure::fingerprint_mismatch});
    EXPECT_EQ(pair.client.association->state(), DtlsState::failed);
    EXPECT_FALSE(pair.server.association->export_keys());
    EXPECT_FALSE(pair.client.association->export_keys());
    EXPECT_EQ(pair.server.connected + pair.client.connected, 0);
  }
  {
    Pair pair(client_certificate().fingerprint(), wrong);
    pair.run();
    EXPECT_EQ(pair.client.failures, std::vector{DtlsFailure::fingerprint_mismatch});
    EXPECT_FALSE(pair.server.association->export_keys());
    EXPECT_FALSE(pair.client.association->export_keys());
  }
  for (std::size_t byte = 0; byte < Fingerprint::size; byte += 31) {
    Fingerprint near = client_certificate().fingerprint();
    near.sha256[byte] ^= std::byte{1};
    Pair pair(near, server_certificate().fingerprint());
    pair.run();
    EXPECT_FALSE(pair.server.association->export_keys());
  }
}

TEST(DtlsAssociation, gives_up_after_ten_seconds) {
  Pair pair;
  pair.run([](int index, Buffer&) { return index == 0 ? 1 : 0; });
  EXPECT_EQ(pair.server.failures, std::vector{DtlsFailure::timeout});
  EXPECT_EQ(pair.client.failures, std::vector{DtlsFailure::timeout});
  EXPECT_EQ(pair.now - TimePoint(1000s), DtlsLimits::handshake_time);
  EXPECT_EQ(pair.server.association->next_deadline(), never);
  EXPECT_FALSE(pair.server.association->handle_datagram(pair.now, Buffer(20)));
}

TEST(DtlsAssociation, retransmits_after_200_ms_and_then_twice_as_long_each_time) {
  Pair pair;
  pair.client.association->start(pair.now);
  std::vector<Duration> sent;
  const TimePoint begin = pair.now;
  while (pair.client.association->state() == DtlsState::handshaking) {
    pair.client.drain();
    for (std::size_t i = 0; i < pair.client.outbox.size(); ++i) sent.push_back(pair.now - begin);
    pair.client.outbox.clear();
    pair.now = pair.client.association->next_deadline();
    pair.client.association->handle_timeout(pair.now - 1ns);
    pair.client.drain();
    EXPECT_TRUE(pair.client.outbox.empty());
    pair.client.association->handle_timeout(pair.now);
  }
  EXPECT_EQ(sent, (std::vector<Duration>{0ms, 200ms, 600ms, 1400ms, 3000ms, 5000ms, 7000ms, 9000ms}));
}

TEST(DtlsAssociation, an_idle_server_waits_without_a_deadline) {
  Pair pair;
  EXPECT_EQ(pair.server.association->next_deadline(), never);
  pair.server.association->start(pair.now);
  EXPECT_EQ(pair.server.association->state(), DtlsState::idle);
  EXPECT_FALSE(pair.server.association->poll_output());
}

TEST(DtlsAssociation, a_connected_server_answers_a_repeated_final_flight) {
  // The server's last datagram is lost: the client repeats its flight, and the server, long connected, its own.
  Pair pair;
  bool dropped = false;
  pair.run([&](int, Buffer&) {
    if (dropped || pair.server.association->state() != DtlsState::connected) return 1;
    dropped = true;
    return 0;
  });
  EXPECT_TRUE(dropped);
  EXPECT_TRUE(pair.both_connected());
  EXPECT_EQ(pair.server.connected, 1);
  expect_matching_keys(pair);
}

// The client's first datagram as two: the ClientHello's handshake message cut after `first` bytes.
std::vector<Buffer> cut_client_hello(const Buffer& datagram, std::size_t first) {
  const Bytes message = Bytes(datagram).subspan(13 + 12);
  std::vector<Buffer> pieces;
  std::size_t offset = 0;
  for (const std::size_t size : {first, message.size() - first}) {
    Buffer piece(13 + 12 + size);
    ByteWriter writer(piece);
    writer.bytes(Bytes(datagram).first(10));
    writer.u8(static_cast<std::uint8_t>(pieces.size()));  // record sequence number
    writer.u16(static_cast<std::uint16_t>(12 + size));
    writer.bytes(Bytes(datagram).subspan(13, 6));  // type, length, message sequence
    writer.u24(static_cast<std::uint32_t>(offset));
    writer.u24(static_cast<std::uint32_t>(size));
    writer.bytes(message.subspan(offset, size));
    pieces.push_back(piece);
    offset += size;
  }
  return pieces;
}

TEST(DtlsAssociation, joins_a_client_hello_that_came_in_two_datagrams_in_either_order) {
  for (const bool swapped : {false, true}) {
    Pair pair;
    pair.client.association->start(pair.now);
    pair.client.drain();
    std::vector<Buffer> pieces = cut_client_hello(pair.client.outbox.at(0), 100);
    if (swapped) std::swap(pieces[0], pieces[1]);
    pair.client.outbox = pieces;
    pair.run();
    EXPECT_TRUE(pair.both_connected());
    expect_matching_keys(pair);
  }
}

TEST(DtlsAssociation, answers_a_client_hello_of_chromiums_size) {
  // 1,413 bytes of message (post-quantum key shares in the extensions make it that long), sent as 1200 + 263 byte datagrams.
  Pair pair;
  pair.client.association->start(pair.now);
  pair.client.drain();
  Buffer hello = pair.client.outbox.at(0);
  const std::size_t extra = 1413 - (hello.size() - 13 - 12);
  // A padding extension (RFC 7685) behind the others, and the four lengths around it.
  hello.resize(hello.size() + extra);
  ByteWriter padding(MutableBytes(hello).last(extra));
  padding.u16(21);
  padding.u16(static_cast<std::uint16_t>(extra - 4));
  store_u16(hello, 11, static_cast<std::uint16_t>(hello.size() - 13));
  ByteWriter(MutableBytes(hello).subspan(14, 3)).u24(1413);
  ByteWriter(MutableBytes(hello).subspan(22, 3)).u24(1413);
  std::size_t at = 13 + 12 + 2 + 32;                  // version, random
  at += 1 + std::to_integer<std::size_t>(hello[at]);  // session id
  at += 1 + std::to_integer<std::size_t>(hello[at]);  // cookie
  at += 2U + load_u16(hello, at);                     // cipher suites
  at += 1 + std::to_integer<std::size_t>(hello[at]);  // compression methods
  store_u16(hello, at, static_cast<std::uint16_t>(load_u16(hello, at) + extra));
  ASSERT_EQ(at + 2 + load_u16(hello, at), hello.size());

  const std::vector<Buffer> pieces = cut_client_hello(hello, 1200 - 25);
  EXPECT_EQ(pieces[0].size(), 1200U);
  EXPECT_EQ(pieces[1].size(), 263U);
  ASSERT_TRUE(pair.server.association->handle_datagram(pair.now, pieces[0]));
  pair.server.drain();
  EXPECT_TRUE(pair.server.outbox.empty());
  ASSERT_TRUE(pair.server.association->handle_datagram(pair.now, pieces[1]));
  pair.server.drain();
  ASSERT_FALSE(pair.server.outbox.empty());
  EXPECT_EQ(pair.server.outbox[0][13], std::byte{2});  // ServerHello
  EXPECT_TRUE(pair.server.failures.empty());
}

TEST(DtlsAssociation, never_connects_wrongly_when_bytes_change) {
  // Whatever one changed byte does, either nobody has keys or both have the same.
  for (unsigned seed = 0; seed < 300; ++seed) {
    Pair pair;
    std::mt19937 random(seed);
    const int target = static_cast<int>(random() % 5);
    pair.run([&](int index, Buffer& datagram) {
      if (index == target) datagram[random() % datagram.size()] ^= static_cast<std::byte>(1U << random() % 8);
      return 1;
    });
    if (pair.both_connected()) {
      expect_matching_keys(pair);
    } else if (pair.server.association->state() == DtlsState::connected) {
      EXPECT_NE(pair.client.association->state(), DtlsState::connected);
    }
  }
}

TEST(DtlsAssociation, drops_truncated_datagrams_and_goes_on) {
  for (int target = 0; target < 4; ++target) {
    Pair pair;
    pair.run([&](int index, Buffer& datagram) {
      if (index == target) datagram.resize(datagram.size() - 1);
      return 1;
    });
    EXPECT_TRUE(pair.both_connected()) << target;
  }
}

TEST(DtlsAssociation, garbage_changes_nothing_for_anyone) {
  Pair pair;
  std::mt19937 random(5);
  for (int i = 0; i < 2000; ++i) {
    Buffer garbage(random() % 200);
    for (std::byte& b : garbage) b = static_cast<std::byte>(random());
    EXPECT_FALSE(pair.server.association->handle_datagram(pair.now, garbage));
  }
  EXPECT_EQ(pair.server.association->state(), DtlsState::idle);
  pair.run();
  EXPECT_TRUE(pair.both_connected());
  for (int i = 0; i < 200; ++i) {
    // Records of the right shape that nobody can authenticate.
    Buffer forged(13 + 40, std::byte{0x41});
    ByteWriter writer(forged);
    writer.u8(static_cast<std::uint8_t>(20 + i % 4));
    writer.u16(0xfefd);
    writer.u16(static_cast<std::uint16_t>(i / 4 % 3));
    writer.u16(1);
    writer.u32(static_cast<std::uint32_t>(i));
    writer.u16(40);
    (void)pair.server.association->handle_datagram(pair.now, forged);
  }
  pair.server.drain();
  EXPECT_TRUE(pair.both_connected());
  EXPECT_EQ(pair.server.closed, 0);
  expect_matching_keys(pair);
}

TEST(DtlsAssociation, close_notify_closes_the_other_end) {
  for (const bool by_server : {true, false}) {
    Pair pair;
    pair.run();
    auto& one = by_server ? pair.server : pair.client;
    auto& other = by_server ? pair.client : pair.server;
    one.association->close(pair.now);
    EXPECT_FALSE(one.association->export_keys());
    pair.deliver();
    pair.deliver();
    EXPECT_EQ(one.association->state(), DtlsState::closed);
    EXPECT_EQ(one.closed, 0);
    EXPECT_EQ(other.association->state(), DtlsState::closed);
    EXPECT_EQ(other.closed, 1);
    EXPECT_FALSE(other.association->export_keys());
    EXPECT_FALSE(other.association->handle_datagram(pair.now, Buffer(20)));
  }
}

TEST(DtlsAssociation, refuses_a_second_handshake_on_the_same_association) {
  Pair pair;
  pair.run();
  const auto keys = pair.server.association->export_keys();
  pair.client.restart(DtlsRole::client, server_certificate().fingerprint());
  pair.client.association->start(pair.now);
  pair.deliver();
  pair.deliver();
  EXPECT_EQ(pair.server.association->state(), DtlsState::connected);
  EXPECT_NE(pair.client.association->state(), DtlsState::connected);
  EXPECT_TRUE(std::ranges::equal(keys->local_key_salt(), pair.server.association->export_keys()->local_key_salt()));
}

}  // namespace
}  // namespace sluice
