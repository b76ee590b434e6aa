#include "dataplane/handshaker/handshaker_core.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

#include "schemas/events_generated.h"
#include "shm/channel/message_rules.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;
using Buffer = std::vector<std::byte>;
using schema::HandshakeBody;

const DtlsContext& context_of(DtlsRole role) {
  struct Identity {
    Certificate certificate = Certificate::generate(std::chrono::sys_seconds(1'760'000'000s));
    DtlsContext context{certificate};
  };
  static const Identity server;
  static const Identity client;
  return role == DtlsRole::server ? server.context : client.context;
}

Fingerprint fingerprint_of(DtlsRole role) {
  X509* x509 = SSL_CTX_get0_certificate(context_of(role).ssl_context());
  unsigned char* der = nullptr;
  const int size = i2d_X509(x509, &der);
  const auto result = Fingerprint::of({reinterpret_cast<const std::byte*>(der), static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return result;
}

DtlsRole other(DtlsRole role) {
  return role == DtlsRole::server ? DtlsRole::client : DtlsRole::server;
}

Buffer copy_of(const flatbuffers::Vector<std::uint8_t>* bytes) {
  const auto* data = reinterpret_cast<const std::byte*>(bytes->data());
  return {data, data + bytes->size()};
}

/// The worker's end of one core: keeps what was delivered, and says the worker's messages.
struct Worker final : HandshakerSink {
  explicit Worker(DtlsRole its_role, const HandshakerConfig& config = {})
      : role(its_role), core(context_of(its_role), *this, 77, config) {}

  bool deliver(WorkerId worker, Bytes bytes) noexcept override {
    if (full) return false;
    last_worker = worker;
    // As the receiver does: a copy, verified.
    Buffer message(bytes.begin(), bytes.end());
    const schema::Handshake* root = verified_handshake(message);
    EXPECT_NE(root, nullptr);
    if (const auto* send = root->body_as_HandshakeSend()) {
      sends.emplace_back(TransportId::unpack(send->transport()), copy_of(send->bytes()));
    } else if (const auto* done_message = root->body_as_HandshakeDone()) {
      done.push_back({TransportId::unpack(done_message->transport()), static_cast<SrtpProfile>(done_message->profile()),
                      copy_of(done_message->local_key_salt()), copy_of(done_message->remote_key_salt())});
    } else if (const auto* failed = root->body_as_HandshakeFailed()) {
      failures.push_back(static_cast<schema::FailureReason>(failed->reason()));
    } else {
      started.push_back(root->body_as_HandshakerStarted()->incarnation());
    }
    return true;
  }

  template <typename Body>
  void say(TimePoint now, flatbuffers::Offset<Body> body, WorkerId worker = {}) {
    builder.Finish(schema::CreateHandshake(builder, schema::HandshakeBodyTraits<Body>::enum_value, body.Union()));
    core.handle_message(now, worker, *schema::GetHandshake(builder.GetBufferPointer()));
    builder.Clear();
  }
  void open(TimePoint now, TransportId transport, const Fingerprint& peer, WorkerId worker = {}) {
    const auto bytes = builder.CreateVector(reinterpret_cast<const std::uint8_t*>(peer.sha256.data()), peer.sha256.size());
    say(now, schema::CreateHandshakeOpen(builder, transport.packed(), static_cast<std::uint8_t>(role), bytes), worker);
  }
  void open(TimePoint now, TransportId transport) { open(now, transport, fingerprint_of(other(role))); }
  void datagram(TimePoint now, TransportId transport, const Buffer& datagram) {
    const auto bytes = builder.CreateVector(reinterpret_cast<const std::uint8_t*>(datagram.data()), datagram.size());
    say(now, schema::CreateHandshakeDatagram(builder, transport.packed(), bytes));
  }
  void close(TimePoint now, TransportId transport) { say(now, schema::CreateHandshakeClose(builder, transport.packed())); }

  struct Done {
    TransportId transport;
    SrtpProfile profile;
    Buffer local;
    Buffer remote;
  };
  DtlsRole role;
  HandshakerCore core;
  flatbuffers::FlatBufferBuilder builder;
  bool full = false;
  WorkerId last_worker;
  std::deque<std::pair<TransportId, Buffer>> sends;
  std::vector<Done> done;
  std::vector<schema::FailureReason> failures;
  std::vector<std::uint64_t> started;
};

constexpr TransportId one{.slot = 1, .incarnation = 1};

/// A worker of servers and a worker of clients; the transports of both have the same ids.
struct Two {
  explicit Two(const HandshakerConfig& server_config = {}, const HandshakerConfig& client_config = {})
      : server(DtlsRole::server, server_config), client(DtlsRole::client, client_config) {}

  bool pump() {
    bool any = false;
    for (auto [from, to] : {std::pair{&client, &server}, std::pair{&server, &client}}) {
      for (auto under_way = std::exchange(from->sends, {}); auto& [transport, bytes] : under_way) {
        any = true;
        to->datagram(now, transport, bytes);
      }
    }
    return any;
  }
  /// Until nothing is left to do before `end`.
  void run(TimePoint end) {
    while (true) {
      while (pump()) {
      }
      const TimePoint next = std::min(server.core.next_deadline(), client.core.next_deadline());
      if (next > end) return;
      now = std::max(now, next);
      server.core.handle_timeout(now);
      client.core.handle_timeout(now);
    }
  }
  void connect(TransportId transport = one) {
    server.open(now, transport);
    client.open(now, transport);
    run(now + 12s);
  }

  TimePoint now{1000s};
  Worker server;
  Worker client;
};

TEST(HandshakerCore, hands_the_same_keys_to_both_workers) {
  Two two;
  two.connect();
  ASSERT_EQ(two.server.done.size(), 1U);
  ASSERT_EQ(two.client.done.size(), 1U);
  EXPECT_EQ(two.server.done[0].transport, one);
  EXPECT_EQ(two.server.done[0].profile, SrtpProfile::aead_aes_128_gcm);
  EXPECT_EQ(two.server.done[0].local.size(), 28U);
  EXPECT_EQ(two.server.done[0].local, two.client.done[0].remote);
  EXPECT_EQ(two.server.done[0].remote, two.client.done[0].local);
  EXPECT_EQ(two.server.core.in_progress(), 0U);
  EXPECT_EQ(two.server.core.association_count(), 1U);
  EXPECT_EQ(two.server.core.next_deadline(), never);
}

TEST(HandshakerCore, says_that_it_is_new_until_it_is_heard) {
  Two two;
  two.server.full = true;
  two.server.core.add_worker(two.now, WorkerId{3});
  EXPECT_TRUE(two.server.started.empty());
  EXPECT_EQ(two.server.core.next_deadline(), two.now + 5ms);
  two.server.full = false;
  two.server.core.handle_timeout(two.now + 5ms);
  EXPECT_EQ(two.server.started, std::vector<std::uint64_t>{77});
  EXPECT_EQ(two.server.last_worker, WorkerId{3});
  EXPECT_EQ(two.server.core.next_deadline(), never);
}

TEST(HandshakerCore, opening_again_with_the_same_parameters_repeats_the_keys_and_nothing_else) {
  Two two;
  two.server.open(two.now, one);
  two.server.open(two.now, one);
  two.connect();
  ASSERT_EQ(two.server.done.size(), 1U);
  two.server.open(two.now, one);
  ASSERT_EQ(two.server.done.size(), 2U);
  EXPECT_EQ(two.server.done[0].local, two.server.done[1].local);
  EXPECT_EQ(two.server.done[0].remote, two.server.done[1].remote);
  EXPECT_TRUE(two.server.sends.empty());
  EXPECT_EQ(two.server.core.counters().restarted, 0U);
}

TEST(HandshakerCore, opening_again_with_another_fingerprint_starts_over) {
  Two two;
  two.server.open(two.now, one, Fingerprint::of({}));
  two.connect();
  EXPECT_EQ(two.server.core.counters().restarted, 1U);
  ASSERT_EQ(two.server.done.size(), 1U);
  // The same for one that is done: its keys are gone, and the next handshake gives others.
  two.server.open(two.now, one, Fingerprint::of({}));
  two.server.open(two.now, one);
  two.client.close(two.now, one);
  two.client.sends.clear();
  two.client.open(two.now, one);
  two.run(two.now + 12s);
  ASSERT_EQ(two.server.done.size(), 2U);
  EXPECT_NE(two.server.done[0].local, two.server.done[1].local);
  EXPECT_EQ(two.server.done[1].local, two.client.done[1].remote);
}

TEST(HandshakerCore, a_newer_incarnation_replaces_and_an_older_one_is_ignored) {
  Two two;
  const TransportId newer{.slot = 1, .incarnation = 2};
  two.connect();
  two.server.open(two.now, newer);
  two.client.open(two.now, newer);
  two.run(two.now + 12s);
  ASSERT_EQ(two.server.done.size(), 2U);
  EXPECT_EQ(two.server.done[1].transport, newer);
  EXPECT_EQ(two.server.core.association_count(), 1U);
  two.server.open(two.now, one);
  two.server.datagram(two.now, one, Buffer(20));
  two.server.close(two.now, one);
  EXPECT_EQ(two.server.core.counters().stale, 3U);
  EXPECT_EQ(two.server.core.association_count(), 1U);
}

TEST(HandshakerCore, reports_a_wrong_fingerprint_and_gives_no_keys) {
  Two two;
  two.server.open(two.now, one, Fingerprint::of({}));
  two.client.open(two.now, one);
  two.run(two.now + 12s);
  EXPECT_EQ(two.server.failures, std::vector{schema::FailureReason::fingerprint_mismatch});
  EXPECT_EQ(two.client.failures, std::vector{schema::FailureReason::dtls_failed});
  EXPECT_TRUE(two.server.done.empty() && two.client.done.empty());
  EXPECT_EQ(two.server.core.in_progress(), 0U);
  // A failed one is silent until it is opened again, with the same parameters or others.
  two.server.datagram(two.now, one, Buffer(20));
  EXPECT_EQ(two.server.core.counters().not_open, 1U);
  two.connect();
  EXPECT_EQ(two.server.done.size(), 1U);
}

TEST(HandshakerCore, reports_a_handshake_that_ran_out_of_time) {
  Two two;
  two.client.open(two.now, one);
  two.run(two.now + 12s);
  EXPECT_EQ(two.client.failures, std::vector{schema::FailureReason::handshake_timeout});
  EXPECT_EQ(two.now, TimePoint(1010s));
  EXPECT_EQ(two.server.core.counters().unknown, 8U);
}

TEST(HandshakerCore, closing_tells_the_peer) {
  Two two;
  two.connect();
  two.client.close(two.now, one);
  EXPECT_EQ(two.client.core.association_count(), 0U);
  two.pump();
  EXPECT_EQ(two.server.failures, std::vector{schema::FailureReason::dtls_closed});
  two.server.close(two.now, one);
  EXPECT_EQ(two.server.core.association_count(), 0U);
  two.server.close(two.now, one);
  EXPECT_EQ(two.server.core.counters().unknown, 1U);
}

TEST(HandshakerCore, a_restarted_handshaker_drops_what_it_does_not_know) {
  Two two;
  two.connect();
  Worker successor(DtlsRole::server);
  two.client.close(two.now, one);
  ASSERT_FALSE(two.client.sends.empty());
  successor.datagram(two.now, one, two.client.sends.front().second);
  EXPECT_EQ(successor.core.counters().unknown, 1U);
  EXPECT_TRUE(successor.sends.empty() && successor.failures.empty());
}

TEST(HandshakerCore, a_full_ring_delays_keys_and_loses_only_datagrams) {
  Two two;
  two.server.open(two.now, one);
  two.client.open(two.now, one);
  two.pump();
  two.server.full = true;  // the server's final flight and its HandshakeDone find no room
  two.pump();
  EXPECT_TRUE(two.server.done.empty());
  EXPECT_EQ(two.server.core.counters().done, 1U);
  EXPECT_GT(two.server.core.counters().sends_lost, 0U);
  two.server.core.handle_timeout(two.now + 5ms);
  EXPECT_TRUE(two.server.done.empty());
  two.server.full = false;
  two.run(two.now + 12s);
  ASSERT_EQ(two.server.done.size(), 1U);
  ASSERT_EQ(two.client.done.size(), 1U);
  EXPECT_EQ(two.server.done[0].local, two.client.done[0].remote);
}

TEST(HandshakerCore, a_full_ring_delays_a_failure_too) {
  Two two;
  two.client.open(two.now, one);
  two.client.full = true;
  two.now += 10s;
  two.client.core.handle_timeout(two.now);
  EXPECT_TRUE(two.client.failures.empty());
  two.client.full = false;
  two.client.core.handle_timeout(two.client.core.next_deadline());
  EXPECT_EQ(two.client.failures.size(), 1U);
  EXPECT_EQ(two.client.core.next_deadline(), never);
}

TEST(HandshakerCore, a_storm_over_budget_is_spread_and_all_get_through) {
  Two two({.starts_per_second = 100, .starts_burst = 10, .in_progress_max = 1000, .datagrams_per_second = 200});
  constexpr std::uint32_t joins = 60;
  for (std::uint32_t slot = 0; slot < joins; ++slot) {
    two.server.open(two.now, {.slot = slot, .incarnation = 1});
    two.client.open(two.now, {.slot = slot, .incarnation = 1});
  }
  two.pump();
  EXPECT_EQ(two.server.core.in_progress(), 10U);
  EXPECT_EQ(two.server.core.counters().over_budget, joins - 10U);
  two.run(two.now + 20s);
  EXPECT_EQ(two.server.done.size(), joins);
  EXPECT_EQ(two.client.done.size(), joins);
  // Ten at each of the clients' retransmissions: at 0, 0.2, 0.6, 1.4, 3 and 5 s.
  EXPECT_LE(two.now - TimePoint(1000s), 5s);
}

TEST(HandshakerCore, client_handshakes_over_budget_begin_later) {
  Two two({}, {.starts_per_second = 100, .starts_burst = 100, .in_progress_max = 2, .datagrams_per_second = 200});
  for (std::uint32_t slot = 0; slot < 6; ++slot) {
    two.server.open(two.now, {.slot = slot, .incarnation = 1});
    two.client.open(two.now, {.slot = slot, .incarnation = 1});
  }
  EXPECT_EQ(two.client.core.in_progress(), 2U);
  two.run(two.now + 20s);
  EXPECT_EQ(two.client.done.size(), 6U);
}

TEST(HandshakerCore, garbage_starts_nothing_and_floods_hurt_only_their_own_association) {
  Two two;
  two.server.open(two.now, one);
  for (int i = 0; i < 1000; ++i) two.server.datagram(two.now, one, Buffer(50, std::byte{0x55}));
  EXPECT_EQ(two.server.core.in_progress(), 0U);
  EXPECT_EQ(two.server.core.counters().malformed, 200U);
  EXPECT_EQ(two.server.core.counters().over_rate, 800U);
  EXPECT_TRUE(two.server.sends.empty());
  two.connect({.slot = 2, .incarnation = 1});
  EXPECT_EQ(two.server.done.size(), 1U);
}

TEST(HandshakerCore, refuses_messages_that_make_no_sense) {
  Two two;
  two.server.open(two.now, TransportId{});
  auto& builder = two.server.builder;
  const std::vector<std::uint8_t> short_print(20);
  two.server.say(two.now, schema::CreateHandshakeOpen(builder, one.packed(), 0, builder.CreateVector(short_print)));
  const std::vector<std::uint8_t> print(32);
  two.server.say(two.now, schema::CreateHandshakeOpen(builder, one.packed(), 2, builder.CreateVector(print)));
  two.server.say(two.now, schema::CreateHandshakeFailed(builder, one.packed(), 1));
  EXPECT_EQ(two.server.core.counters().malformed, 4U);
  EXPECT_EQ(two.server.core.association_count(), 0U);
}

TEST(HandshakerCore, keeps_workers_apart) {
  Two two;
  two.server.open(two.now, one, fingerprint_of(DtlsRole::client), WorkerId{0});
  two.server.open(two.now, one, fingerprint_of(DtlsRole::client), WorkerId{1});
  EXPECT_EQ(two.server.core.association_count(), 2U);
  two.client.open(two.now, one);
  two.pump();
  EXPECT_EQ(two.server.core.in_progress(), 1U);
  two.server.core.remove_worker(WorkerId{0});
  EXPECT_EQ(two.server.core.association_count(), 1U);
  EXPECT_EQ(two.server.core.in_progress(), 0U);
  EXPECT_EQ(two.server.core.next_deadline(), never);
}

}  // namespace
}  // namespace sluice
