#include "dataplane/ice/stun_codec.hpp"

#include <gtest/gtest.h>

#include <cstring>

#include "dataplane/ice/username.hpp"
#include "shm/types/byte_order.hpp"
#include "tests/dataplane/ice/stun_client.hpp"

namespace sluice {
namespace {

const SocketAddress v4_peer = SocketAddress::from_ipv4({192, 0, 2, 1}, 32853);
const SocketAddress v6_peer = *SocketAddress::parse("2001:db8:1234:5678:11:2233:4455:6677", 32853);

// RFC 5769 section 2.1: the sample request, whose password is VOkJxbRl1RmTxUk/WvJxBt.
constexpr std::array<std::uint8_t, 108> rfc5769_request = {
    0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87,
    0xdf, 0xae, 0x80, 0x22, 0x00, 0x10, 0x53, 0x54, 0x55, 0x4e, 0x20, 0x74, 0x65, 0x73, 0x74, 0x20, 0x63, 0x6c,
    0x69, 0x65, 0x6e, 0x74, 0x00, 0x24, 0x00, 0x04, 0x6e, 0x00, 0x01, 0xff, 0x80, 0x29, 0x00, 0x08, 0x93, 0x2f,
    0xf9, 0xb1, 0x51, 0x26, 0x3b, 0x36, 0x00, 0x06, 0x00, 0x09, 0x65, 0x76, 0x74, 0x6a, 0x3a, 0x68, 0x36, 0x76,
    0x59, 0x20, 0x20, 0x20, 0x00, 0x08, 0x00, 0x14, 0x9a, 0xea, 0xa7, 0x0c, 0xbf, 0xd8, 0xcb, 0x56, 0x78, 0x1e,
    0xf2, 0xb5, 0xb2, 0xd3, 0xf2, 0x49, 0xc1, 0xb5, 0x71, 0xa2, 0x80, 0x28, 0x00, 0x04, 0xe5, 0x7a, 0x3b, 0xcf};
// Sections 2.2 and 2.3: the responses to it, over IPv4 and IPv6.
constexpr std::array<std::uint8_t, 80> rfc5769_response_v4 = {
    0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae,
    0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63, 0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08,
    0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43, 0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3,
    0x8c, 0x74, 0x89, 0xf9, 0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96};

const StunCredential vector_credential{.local_ufrag = "evtj", .remote_ufrag = "h6vY", .password = "VOkJxbRl1RmTxUk/WvJxBt"};
const StunCredential ours{.local_ufrag = "serv", .remote_ufrag = "peer", .password = "server-password-of-22-chars"};

Result<StunCheck, IceError> answer(Bytes datagram, StunCredential first, StunCredential second = {}) {
  static const StunCodec codec;
  return codec.answer(datagram, v4_peer, {first, second});
}

Bytes vector_request() {
  return std::as_bytes(std::span(rfc5769_request));
}

TEST(StunCodec, VerifiesTheRequestOfRfc5769) {
  const auto check = answer(vector_request(), vector_credential);
  ASSERT_TRUE(check);
  EXPECT_EQ(check->credential, 0U);
  // The sample claims to be controlled, and so are we.
  EXPECT_FALSE(check->accepted);
  EXPECT_LE(check->reply.size, vector_request().size());
  EXPECT_EQ(load_u16(check->reply.bytes(), 0), 0x0111);
  EXPECT_EQ(std::memcmp(check->reply.storage.data() + 8, rfc5769_request.data() + 8, 12), 0);
}

TEST(StunCodec, WritesTheMappedAddressLikeTheResponsesOfRfc5769) {
  // Same transaction id as the samples, from the same addresses: the attribute must have their bytes.
  StunClient client;
  const StunCodec codec;
  auto request = client.request("serv:peer", std::string(ours.password));
  const auto v4 = codec.answer(request, v4_peer, {ours, {}});
  ASSERT_TRUE(v4);
  const Bytes reply = v4->reply.bytes();
  EXPECT_EQ(load_u16(reply, 0), 0x0101);
  EXPECT_EQ(load_u16(reply, 20), 0x0020);
  EXPECT_EQ(load_u16(reply, 22), 8);
  EXPECT_EQ(load_u16(reply, 24), 1);
  EXPECT_EQ(load_u16(reply, 26), 0xa147);
  EXPECT_EQ(load_u32(reply, 28), 0xe112a643U);
  EXPECT_EQ(client.read(reply).mapped, v4_peer);

  request = client.request("serv:peer", std::string(ours.password));
  const auto v6 = codec.answer(request, v6_peer, {ours, {}});
  ASSERT_TRUE(v6);
  EXPECT_EQ(client.read(v6->reply.bytes()).mapped, v6_peer);
  EXPECT_LE(v6->reply.size, request.size());
}

TEST(StunCodec, NeverAnswersAnythingButRequests) {
  EXPECT_EQ(answer(std::as_bytes(std::span(rfc5769_response_v4)), vector_credential).error(), IceError::not_a_request);
  std::vector<std::byte> indication(20);
  ByteWriter writer(indication);
  writer.u16(0x0011);
  writer.u16(0);
  writer.u32(0x2112a442);
  EXPECT_EQ(answer(indication, ours).error(), IceError::not_a_request);
  indication[1] = std::byte{0x01};
  EXPECT_EQ(answer(indication, ours).error(), IceError::bad_fingerprint);
}

TEST(StunCodec, DropsARequestCutAtAnyByte) {
  for (std::size_t size = 0; size < rfc5769_request.size(); ++size) {
    const std::vector<std::byte> part(vector_request().begin(),
                                      vector_request().begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(answer(part, vector_credential).error(), IceError::not_stun) << size;
    // The same with a length that agrees: attributes, fingerprint or integrity are missing now.
    if (size < 20) continue;
    std::vector<std::byte> agreed = part;
    store_u16(agreed, 2, static_cast<std::uint16_t>(size - 20));
    EXPECT_FALSE(answer(agreed, vector_credential)) << size;
  }
}

TEST(StunCodec, DropsARequestWithAnyBitTurned) {
  for (std::size_t bit = 0; bit < rfc5769_request.size() * 8; ++bit) {
    std::vector<std::byte> turned(vector_request().begin(), vector_request().end());
    turned[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
    EXPECT_FALSE(answer(turned, vector_credential)) << bit;
  }
}

TEST(StunCodec, MatchesTheWholeUsername) {
  for (const char* username :
       {"serv", "serv:", ":peer", "serv:pee", "serv:peers", "serv:peer:", "xserv:peer", "peer:serv", "Serv:peer"}) {
    StunClient client;
    const auto request = client.request(username, std::string(ours.password));
    EXPECT_EQ(answer(request, ours).error(), IceError::wrong_username) << username;
  }
}

TEST(StunCodec, TellsWrongPasswordsFromWrongNames) {
  StunClient client;
  EXPECT_EQ(answer(client.request("serv:peer", "another-password-of-22-chars"), ours).error(), IceError::bad_integrity);
}

TEST(StunCodec, AcceptsNoEmptyCredential) {
  StunClient client;
  EXPECT_FALSE(answer(client.request(":", "x"), StunCredential{}));
  EXPECT_FALSE(answer(client.request("serv:", std::string(ours.password)), {"serv", "", ours.password}));
  EXPECT_FALSE(answer(client.request("serv:peer", ""), {"serv", "peer", ""}));
}

TEST(StunCodec, SaysWhichCredentialMatched) {
  StunClient client;
  const auto request = client.request("serv:peer", std::string(ours.password));
  EXPECT_EQ(answer(request, vector_credential, ours)->credential, 1U);
}

/// A request signed by libnice with any attribute of our choice.
std::vector<std::byte> request_with(std::uint16_t attribute) {
  StunAgent agent;
  stun_agent_init(
      &agent, STUN_ALL_KNOWN_ATTRIBUTES, STUN_COMPATIBILITY_RFC5389,
      static_cast<StunAgentUsageFlags>(STUN_AGENT_USAGE_SHORT_TERM_CREDENTIALS | STUN_AGENT_USAGE_USE_FINGERPRINT));
  std::array<std::uint8_t, 500> buffer;
  StunMessage message;
  EXPECT_TRUE(stun_agent_init_request(&agent, &message, buffer.data(), buffer.size(), STUN_BINDING));
  stun_message_append_string(&message, STUN_ATTRIBUTE_USERNAME, "serv:peer");
  stun_message_append32(&message, static_cast<StunAttribute>(attribute), 0);
  stun_message_append64(&message, STUN_ATTRIBUTE_ICE_CONTROLLING, 0);
  stun_message_append32(&message, STUN_ATTRIBUTE_PRIORITY, 0);
  stun_message_append_bytes(&message, STUN_ATTRIBUTE_SOFTWARE, "0123456789012345678901234567", 28);
  const std::size_t size = stun_agent_finish_message(
      &agent, &message, reinterpret_cast<const std::uint8_t*>(ours.password.data()), ours.password.size());
  const auto bytes = std::as_bytes(std::span(buffer).first(size));
  return {bytes.begin(), bytes.end()};
}

TEST(StunCodec, AnswersAnAttributeThatMustBeUnderstoodWith420AndIgnoresOptionalOnes) {
  const auto required = answer(request_with(0x7f00), ours);
  ASSERT_TRUE(required);
  EXPECT_FALSE(required->accepted);
  EXPECT_EQ(load_u16(required->reply.bytes(), 0), 0x0111);
  const auto optional = answer(request_with(0xc057), ours);
  ASSERT_TRUE(optional);
  EXPECT_TRUE(optional->accepted);
  EXPECT_FALSE(optional->use_candidate);
}

TEST(StunUsername, FindsOurUfragWithoutProof) {
  EXPECT_EQ(parse_username_ufrag(vector_request()), "evtj");
  StunClient client;
  EXPECT_EQ(parse_username_ufrag(client.request("serv:peer", "p")), "serv");
  EXPECT_EQ(parse_username_ufrag(client.request("servpeer", "p")), std::nullopt);
  EXPECT_EQ(parse_username_ufrag(client.request(":peer", "p")), std::nullopt);
  EXPECT_EQ(parse_username_ufrag(std::as_bytes(std::span(rfc5769_response_v4))), std::nullopt);
}

TEST(StunUsername, ReadsNothingOutsideWhereverItIsCut) {
  for (std::size_t size = 0; size < rfc5769_request.size(); ++size) {
    std::vector<std::byte> part(vector_request().begin(), vector_request().begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(parse_username_ufrag(part), std::nullopt) << size;
    if (size < 20) continue;
    store_u16(part, 2, static_cast<std::uint16_t>(size - 20));
    const auto ufrag = parse_username_ufrag(part);
    EXPECT_EQ(ufrag.has_value(), size >= 76) << size;
  }
}

TEST(StunUsername, LooksAtSixteenAttributesOnly) {
  std::vector<std::byte> request(20 + 16 * 4 + 8);
  ByteWriter writer(request);
  writer.u16(1);
  writer.u16(static_cast<std::uint16_t>(request.size() - 20));
  writer.u32(0x2112a442);
  writer.fill(std::byte{0}, 12);
  for (int i = 0; i < 16; ++i) writer.u32(0x80220000);
  writer.u32(0x00060003);
  writer.bytes(as_bytes("a:b"));
  EXPECT_EQ(parse_username_ufrag(request), std::nullopt);
}

}  // namespace
}  // namespace sluice
