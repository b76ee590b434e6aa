#include "dataplane/worker/command_reader.hpp"

#include <gtest/gtest.h>

#include <functional>

#include "tests/sim/commands.hpp"

namespace sluice {
namespace {

constexpr TableSizes sizes{.transports = 8, .publications = 16, .subscriptions = 32};

/// One codec as on the ring.
struct CodecText {
  std::uint8_t codec = 3, payload_type = 96, rtx = 97;
  std::uint32_t clock_rate = 90'000;
};
using Codecs = std::vector<CodecText>;

auto codecs_in(flatbuffers::FlatBufferBuilder& b, const Codecs& codecs) {
  std::vector<flatbuffers::Offset<schema::CodecMapping>> list;
  for (const CodecText& c : codecs) {
    list.push_back(schema::CreateCodecMapping(b, static_cast<schema::Codec>(c.codec), c.payload_type, c.rtx, c.clock_rate,
                                              true, true, true));
  }
  return list;
}

// --- transports

struct TransportText {
  std::uint64_t id = TransportId{7, 1}.packed();
  std::string ufrag = "abcd", pwd = std::string(22, 'p'), remote = "r";
  std::uint8_t role = 1;
  std::vector<std::uint8_t> fingerprint = std::vector<std::uint8_t>(32, 9);
  std::array<std::uint8_t, 8> extensions{1, 2, 3, 4, 5, 6, 7, 8};
};

Result<TransportSpec, CommandError> read(const TransportText& t) {
  flatbuffers::FlatBufferBuilder b;
  const auto& e = t.extensions;
  const auto extensions = schema::CreateHeaderExtensions(b, e[0], e[1], e[2], e[3], e[4], e[5], e[6], e[7]);
  b.Finish(schema::CreateUpsertTransportDirect(b, t.id, t.ufrag.c_str(), t.pwd.c_str(), t.remote.c_str(),
                                               static_cast<schema::DtlsRole>(t.role), &t.fingerprint, extensions, 1000));
  return read_transport(*flatbuffers::GetRoot<schema::UpsertTransport>(b.GetBufferPointer()), sizes);
}

TEST(ReadTransport, TakesEverythingOver) {
  const auto spec = read(TransportText{});
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->id, (TransportId{7, 1}));
  EXPECT_EQ(spec->local_ufrag.view(), "abcd");
  EXPECT_EQ(spec->local_pwd.view(), std::string(22, 'p'));
  EXPECT_EQ(spec->remote_ufrag.view(), "r");
  EXPECT_EQ(spec->dtls_role, DtlsRole::client);
  EXPECT_EQ(spec->fingerprint[31], 9);
  EXPECT_EQ(spec->extensions.playout_delay, 8);
  EXPECT_EQ(spec->max_receive_bitrate, 1000U);
}

TEST(ReadTransport, RefusesWhatIsOutOfRange) {
  const auto error = [](const std::function<void(TransportText&)>& spoil) {
    TransportText t;
    spoil(t);
    const auto spec = read(t);
    return spec ? std::optional<CommandError>{} : spec.error();
  };
  using enum CommandError;
  EXPECT_EQ(error([](auto& t) { t.id = TransportId{8, 1}.packed(); }), bad_id) << "beyond the table";
  EXPECT_EQ(error([](auto& t) { t.id = TransportId{0xffff'ffffU, 1}.packed(); }), bad_id);
  EXPECT_EQ(error([](auto& t) { t.id = TransportId{7, 0}.packed(); }), bad_id) << "no incarnation";
  EXPECT_EQ(error([](auto& t) { t.ufrag = "abc"; }), bad_credentials);
  EXPECT_EQ(error([](auto& t) { t.ufrag = std::string(256, 'u'); }), bad_credentials);
  EXPECT_EQ(error([](auto& t) { t.pwd = std::string(21, 'p'); }), bad_credentials);
  EXPECT_EQ(error([](auto& t) { t.pwd = std::string(256, 'p'); }), bad_credentials);
  EXPECT_EQ(error([](auto& t) { t.remote = std::string(256, 'r'); }), bad_credentials);
  EXPECT_EQ(error([](auto& t) { t.role = 2; }), bad_enum);
  EXPECT_EQ(error([](auto& t) { t.fingerprint.pop_back(); }), bad_fingerprint);
  EXPECT_EQ(error([](auto& t) { t.fingerprint.push_back(0); }), bad_fingerprint);
  EXPECT_EQ(error([](auto& t) { t.extensions[0] = 15; }), bad_extension);
  EXPECT_EQ(error([](auto& t) { t.extensions[1] = 1; }), bad_extension) << "twice the same id";
  EXPECT_EQ(error([](auto& t) { t.extensions = {}; }), std::nullopt) << "none negotiated";
  EXPECT_EQ(error([](auto& t) { t.extensions[7] = 255; }), std::nullopt) << "two-byte headers";
}

TEST(ReadTransport, NeedsNeitherRemoteUfragNorExtensions) {
  flatbuffers::FlatBufferBuilder b;
  const std::vector<std::uint8_t> fingerprint(32, 1);
  b.Finish(schema::CreateUpsertTransportDirect(b, TransportId{0, 1}.packed(), "abcd", std::string(22, 'p').c_str(), nullptr,
                                               schema::DtlsRole::server, &fingerprint));
  const auto spec = read_transport(*flatbuffers::GetRoot<schema::UpsertTransport>(b.GetBufferPointer()), sizes);
  ASSERT_TRUE(spec);
  EXPECT_TRUE(spec->remote_ufrag.empty());
  EXPECT_EQ(spec->extensions, HeaderExtensionIds{});
}

// --- publications

struct PublicationText {
  std::uint64_t id = PublicationId{15, 1}.packed(), transport = TransportId{7, 1}.packed();
  std::uint8_t kind = 1;
  std::string mid = "0";
  Codecs codecs{{}};
  std::vector<std::string> rids{"q", "h", "f"};
  std::vector<std::array<std::uint32_t, 3>> ssrcs{{2, 100, 101}};
};

Result<PublicationSpec, CommandError> read(const PublicationText& p) {
  flatbuffers::FlatBufferBuilder b;
  const auto codecs = codecs_in(b, p.codecs);
  std::vector<flatbuffers::Offset<flatbuffers::String>> rids;
  for (const std::string& rid : p.rids) rids.push_back(b.CreateString(rid));
  std::vector<flatbuffers::Offset<schema::DeclaredSsrc>> ssrcs;
  for (const auto& s : p.ssrcs) ssrcs.push_back(schema::CreateDeclaredSsrc(b, static_cast<std::uint8_t>(s[0]), s[1], s[2]));
  b.Finish(schema::CreateUpsertPublicationDirect(b, p.id, p.transport, static_cast<schema::MediaKind>(p.kind), p.mid.c_str(),
                                                 &codecs, &rids, &ssrcs, true));
  return read_publication(*flatbuffers::GetRoot<schema::UpsertPublication>(b.GetBufferPointer()), sizes);
}

std::optional<CommandError> publication_error(const std::function<void(PublicationText&)>& spoil) {
  PublicationText p;
  spoil(p);
  const auto spec = read(p);
  return spec ? std::optional<CommandError>{} : spec.error();
}

TEST(ReadPublication, TakesEverythingOver) {
  const auto spec = read(PublicationText{});
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->layer_count(), 3U);
  EXPECT_EQ(spec->rids[2].view(), "f");
  EXPECT_EQ(spec->codecs, (std::vector<CodecSpec>{{Codec::vp8, 96, 97, 90'000, true, true, true}}));
  EXPECT_EQ(spec->ssrcs, (std::vector<DeclaredSsrc>{{2, Ssrc{100}, Ssrc{101}}}));
  EXPECT_TRUE(spec->forward);
}

TEST(ReadPublication, RefusesWhatIsOutOfRange) {
  using enum CommandError;
  EXPECT_EQ(publication_error([](auto& p) { p.id = PublicationId{16, 1}.packed(); }), bad_id);
  EXPECT_EQ(publication_error([](auto& p) { p.transport = TransportId{8, 1}.packed(); }), bad_id);
  EXPECT_EQ(publication_error([](auto& p) { p.transport = 0; }), bad_id);
  EXPECT_EQ(publication_error([](auto& p) { p.kind = 2; }), bad_enum);
  EXPECT_EQ(publication_error([](auto& p) { p.mid = ""; }), bad_label);
  EXPECT_EQ(publication_error([](auto& p) { p.mid = std::string(32, 'm'); }), bad_label);
  EXPECT_EQ(publication_error([](auto& p) { p.rids = {"a", "b", "c", "d"}; }), bad_label);
  EXPECT_EQ(publication_error([](auto& p) { p.rids = {"a", "b", "a"}; }), bad_label);
  EXPECT_EQ(publication_error([](auto& p) { p.rids = {"a", "", "c"}; }), bad_label);
  EXPECT_EQ(publication_error([](auto& p) { p.rids = {"a", std::string(32, 'r'), "c"}; }), bad_label);
}

TEST(ReadPublication, RefusesSsrcsThatCannotBe) {
  using enum CommandError;
  EXPECT_EQ(publication_error([](auto& p) { p.ssrcs = {{3, 100, 101}}; }), bad_ssrc) << "no such layer";
  EXPECT_EQ(publication_error([](auto& p) {
              p.rids.clear();
              p.ssrcs = {{1, 100, 101}};
            }),
            bad_ssrc);
  EXPECT_EQ(publication_error([](auto& p) { p.ssrcs = {{0, 0, 101}}; }), bad_ssrc);
  EXPECT_EQ(publication_error([](auto& p) { p.ssrcs = {{0, 100, 100}}; }), bad_ssrc);
  EXPECT_EQ(publication_error([](auto& p) { p.ssrcs.assign(65, {0, 1, 2}); }), bad_ssrc);
  EXPECT_EQ(publication_error([](auto& p) { p.ssrcs = {{0, 100, 0}}; }), std::nullopt) << "without RTX";
}

TEST(ReadPublication, RefusesCodecsThatCannotBe) {
  using enum CommandError;
  const auto with = [](Codecs codecs) { return publication_error([&](auto& p) { p.codecs = codecs; }); };
  EXPECT_EQ(with({}), std::nullopt);
  EXPECT_EQ(with({{.codec = 7}}), bad_enum);
  EXPECT_EQ(with({{.payload_type = 128}}), bad_codec);
  EXPECT_EQ(with({{.payload_type = 64}}), bad_codec) << "RTCP (RFC 5761)";
  EXPECT_EQ(with({{.payload_type = 95}}), bad_codec);
  EXPECT_EQ(with({{.payload_type = 63}}), std::nullopt);
  EXPECT_EQ(with({{.rtx = 96}}), bad_codec) << "its own number";
  EXPECT_EQ(with({{.rtx = 72}}), bad_codec);
  EXPECT_EQ(with({{.rtx = 255}}), std::nullopt) << "no RTX";
  EXPECT_EQ(with({{.clock_rate = 0}}), bad_codec);
  EXPECT_EQ(with({{.clock_rate = 999}}), bad_codec);
  EXPECT_EQ(with({{.clock_rate = 384'001}}), bad_codec);
  EXPECT_EQ(with({{}, {.payload_type = 97, .rtx = 98}}), bad_codec) << "another one's RTX";
  Codecs many;
  for (int i = 0; i < 65; ++i) many.push_back({.payload_type = static_cast<std::uint8_t>(i % 64), .rtx = 255});
  EXPECT_EQ(with(many), bad_codec);
}

// --- subscriptions

struct SubscriptionText {
  std::uint64_t id = SubscriptionId{31, 1}.packed(), transport = TransportId{7, 1}.packed(),
                publication = PublicationId{15, 1}.packed();
  std::uint8_t kind = 1;
  std::string mid = "0";
  Codecs codecs{{}};
  std::uint32_t ssrc = 5, rtx_ssrc = 6;
};

Result<SubscriptionSpec, CommandError> read(const SubscriptionText& s) {
  flatbuffers::FlatBufferBuilder b;
  const auto codecs = codecs_in(b, s.codecs);
  b.Finish(schema::CreateUpsertSubscriptionDirect(b, s.id, s.transport, static_cast<schema::MediaKind>(s.kind),
                                                  s.mid.c_str(), &codecs, s.ssrc, s.rtx_ssrc, s.publication, true, 1));
  return read_subscription(*flatbuffers::GetRoot<schema::UpsertSubscription>(b.GetBufferPointer()), sizes);
}

TEST(ReadSubscription, TakesEverythingOver) {
  const auto spec = read(SubscriptionText{});
  ASSERT_TRUE(spec);
  EXPECT_EQ(spec->publication, (PublicationId{15, 1}));
  EXPECT_EQ(spec->ssrc, Ssrc{5});
  EXPECT_EQ(spec->rtx_ssrc, Ssrc{6});
  EXPECT_TRUE(spec->active);
  EXPECT_EQ(spec->max_layer, 1);
}

TEST(ReadSubscription, RefusesWhatIsOutOfRange) {
  const auto error = [](const std::function<void(SubscriptionText&)>& spoil) {
    SubscriptionText s;
    spoil(s);
    const auto spec = read(s);
    return spec ? std::optional<CommandError>{} : spec.error();
  };
  using enum CommandError;
  EXPECT_EQ(error([](auto& s) { s.id = SubscriptionId{32, 1}.packed(); }), bad_id);
  EXPECT_EQ(error([](auto& s) { s.transport = TransportId{8, 1}.packed(); }), bad_id);
  EXPECT_EQ(error([](auto& s) { s.publication = PublicationId{16, 1}.packed(); }), bad_id);
  EXPECT_EQ(error([](auto& s) { s.publication = PublicationId{3, 0}.packed(); }), bad_id);
  EXPECT_EQ(error([](auto& s) { s.publication = 0; }), std::nullopt) << "nothing fills it";
  EXPECT_EQ(error([](auto& s) { s.kind = 2; }), bad_enum);
  EXPECT_EQ(error([](auto& s) { s.mid = ""; }), bad_label);
  EXPECT_EQ(error([](auto& s) { s.ssrc = 0; }), bad_ssrc);
  EXPECT_EQ(error([](auto& s) { s.rtx_ssrc = 5; }), bad_ssrc);
  EXPECT_EQ(error([](auto& s) { s.rtx_ssrc = 0; }), std::nullopt);
  EXPECT_EQ(error([](auto& s) { s.codecs = {{.payload_type = 80}}; }), bad_codec);
}

}  // namespace
}  // namespace sluice
