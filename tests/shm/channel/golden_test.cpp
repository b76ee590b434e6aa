// Buffers that version 1 of the schemas wrote must mean the same today: a control process and a worker of different ages
// meet in every upgrade. tests/data/schemas/README.md says how the buffers were made.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>

#include "shm/types/bytes.hpp"
#include "test_paths.hpp"
#include "tests/shm/channel/messages.hpp"

namespace sluice {
namespace {

const std::string folder = SLUICE_TEST_DATA "/schemas";

/// In memory aligned like a receiver's buffer.
class Golden {
 public:
  explicit Golden(const std::string& name) {
    std::ifstream file(folder + "/golden/" + name + ".bin", std::ios::binary);
    const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    words_.resize((content.size() + 7) / 8);
    std::memcpy(words_.data(), content.data(), content.size());
    size_ = content.size();
  }
  [[nodiscard]] Bytes bytes() const { return std::as_bytes(std::span(words_)).first(size_); }

 private:
  std::vector<std::uint64_t> words_;
  std::size_t size_ = 0;
};

TEST(Golden, every_old_buffer_passes_todays_rules) {
  for (const auto& [name, fresh] : test::sample_messages()) {
    const Golden old(name);
    ASSERT_FALSE(old.bytes().empty()) << name;
    const bool passes = name.starts_with("command") ? verified_command(old.bytes()) != nullptr
                        : name.starts_with("event") ? verified_event(old.bytes()) != nullptr
                                                    : verified_handshake(old.bytes()) != nullptr;
    EXPECT_TRUE(passes) << name;
  }
}

TEST(Golden, commands_have_the_values_that_were_written) {
  const Golden begin("command_begin");
  ASSERT_EQ(verified_command(begin.bytes())->body_type(), schema::CommandBody::Begin);
  EXPECT_EQ(verified_command(begin.bytes())->body_as_Begin()->generation(), 17U);
  EXPECT_TRUE(verified_command(begin.bytes())->body_as_Begin()->snapshot());

  const Golden transport_bytes("command_upsert_transport");
  const auto* transport = verified_command(transport_bytes.bytes())->body_as_UpsertTransport();
  ASSERT_NE(transport, nullptr);
  EXPECT_EQ(transport->id(), 0x1'0000'0002U);
  EXPECT_EQ(transport->local_ufrag()->str(), "ufrag123");
  EXPECT_EQ(transport->local_pwd()->str(), "a password of 24 chars..");
  EXPECT_EQ(transport->remote_ufrag()->str(), "remote");
  EXPECT_EQ(transport->dtls_role(), schema::DtlsRole::client);
  EXPECT_EQ(transport->fingerprint()->Get(31), 31);
  EXPECT_EQ(transport->extensions()->mid(), 1);
  EXPECT_EQ(transport->extensions()->playout_delay(), 8);
  EXPECT_EQ(transport->max_receive_bitrate(), 2'500'000U);

  const Golden publication_bytes("command_upsert_publication");
  const auto* publication = verified_command(publication_bytes.bytes())->body_as_UpsertPublication();
  ASSERT_NE(publication, nullptr);
  EXPECT_EQ(publication->kind(), schema::MediaKind::video);
  EXPECT_EQ(publication->codecs()->Get(0)->codec(), schema::Codec::vp8);
  EXPECT_EQ(publication->codecs()->Get(0)->rtx_payload_type(), 97);
  EXPECT_TRUE(publication->codecs()->Get(0)->transport_cc());
  EXPECT_EQ(publication->rids()->Get(2)->str(), "f");
  EXPECT_EQ(publication->ssrcs()->Get(0)->rtx_ssrc(), 0x55667788U);
  EXPECT_TRUE(publication->forward());

  const Golden subscription_bytes("command_upsert_subscription");
  const auto* subscription = verified_command(subscription_bytes.bytes())->body_as_UpsertSubscription();
  ASSERT_NE(subscription, nullptr);
  EXPECT_EQ(subscription->ssrc(), 0xcafeU);
  EXPECT_EQ(subscription->publication(), 0x3'0000'0004U);
  EXPECT_TRUE(subscription->active());
  EXPECT_EQ(subscription->max_layer(), 1);

  const Golden remove("command_remove");
  EXPECT_EQ(verified_command(remove.bytes())->body_as_Remove()->entity(), schema::EntityKind::subscription);
}

TEST(Golden, events_and_handshakes_have_the_values_that_were_written) {
  const Golden changed("event_transport_changed");
  EXPECT_EQ(verified_event(changed.bytes())->body_as_TransportChanged()->state(), schema::TransportState::failed);
  EXPECT_EQ(verified_event(changed.bytes())->body_as_TransportChanged()->reason(), schema::FailureReason::dtls_failed);
  const Golden wanted("event_snapshot_wanted");
  EXPECT_EQ(verified_event(wanted.bytes())->body_as_SnapshotWanted()->refused_generation(), 18U);
  const Golden done("handshake_done");
  EXPECT_EQ(verified_handshake(done.bytes())->body_as_HandshakeDone()->profile(), 7);
  EXPECT_EQ(verified_handshake(done.bytes())->body_as_HandshakeDone()->remote_key_salt()->Get(27), 27);
  const Golden datagram("handshake_datagram");
  EXPECT_EQ(verified_handshake(datagram.bytes())->body_as_HandshakeDatagram()->bytes()->size(), 1200U);
}

// The other direction, new buffers before an old reader, cannot be run without the old program; it holds when the schema
// has only grown at the ends, which flatc can tell.
TEST(Golden, the_schemas_have_only_grown_at_the_end_since_version_1) {
  for (const std::string schema : {"commands", "events", "handshake"}) {
    const std::string command =
        "flatc --conform " + folder + "/v1/" + schema + ".fbs " SLUICE_TEST_DATA "/../../schemas/" + schema + ".fbs";
    EXPECT_EQ(std::system(command.c_str()), 0) << command;
  }
}

// Run by hand, once per new message: SLUICE_WRITE_GOLDEN=FOLDER.
TEST(Golden, writes_missing_buffers_when_asked) {
  const char* const target = std::getenv("SLUICE_WRITE_GOLDEN");
  if (target == nullptr) GTEST_SKIP() << "SLUICE_WRITE_GOLDEN is not set";
  for (const auto& [name, buffer] : test::sample_messages()) {
    const std::string path = std::string(target) + "/" + name + ".bin";
    if (std::ifstream(path).good()) continue;
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(buffer.data()), static_cast<std::streamsize>(buffer.size()));
  }
}

}  // namespace
}  // namespace sluice
