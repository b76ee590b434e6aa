// ipsec-mb against OpenSSL: the same bytes for every job, and nothing read or written outside of what a job names.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#include "tests/dataplane/srtp/srtp_fixture.hpp"

namespace sluice {
namespace {

using srtp_test::BackendCase;
using srtp_test::Buffer;
using srtp_test::Sealing;

/// Memory that ends (or begins) where the process may not read.
class Fenced {
 public:
  enum class Against : std::uint8_t { end, begin };
  Fenced() : page_(static_cast<std::size_t>(::sysconf(_SC_PAGESIZE))) {
    memory_ = static_cast<std::byte*>(::mmap(nullptr, 3 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_EQ(::mprotect(memory_ + page_, page_, PROT_READ | PROT_WRITE), 0);
  }
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;
  ~Fenced() { ::munmap(memory_, 3 * page_); }
  MutableBytes room(std::size_t size, Against against) {
    return {memory_ + page_ + (against == Against::end ? page_ - size : 0), size};
  }

 private:
  std::size_t page_;
  std::byte* memory_ = nullptr;
};

/// What one job seals, and the room for it.
struct Piece {
  SrtpPacketKind kind = SrtpPacketKind::rtp;
  std::size_t subscriber = 0;
  std::int64_t sequence = 0;
  Buffer header;
  Buffer prefix;
  Buffer payload;
  std::uint8_t padding = 0;
  bool in_place = false;
};

Buffer random_bytes(std::mt19937& random, std::size_t size) {
  Buffer bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

class Differential : public ::testing::TestWithParam<BackendCase> {
 protected:
  static constexpr std::size_t subscribers = 48;
  std::vector<std::unique_ptr<Sealing>> associations_of(const BackendCase& backend) {
    std::vector<std::unique_ptr<Sealing>> all;
    for (unsigned i = 0; i < subscribers; ++i) {
      all.push_back(std::make_unique<Sealing>(srtp_test::all_profiles[i % 3], 0x1000 + i, backend, i));
    }
    return all;
  }

  Piece random_piece(std::size_t subscriber) {
    Piece piece;
    piece.subscriber = subscriber;
    piece.kind = random() % 5 == 0 ? SrtpPacketKind::rtcp : SrtpPacketKind::rtp;
    if (piece.kind == SrtpPacketKind::rtcp) {
      piece.header = random_bytes(random, 8);
      piece.payload = random_bytes(random, random() % 1493);
      return piece;
    }
    sequence_ += 1 + (random() % 16 == 0 ? 40'000 : 0);  // over many rollovers
    piece.sequence = sequence_;
    piece.header = random_bytes(random, 12 + 4 * (random() % 16) + (random() % 2 == 0 ? 4 * (random() % 30) : 0));
    if (random() % 3 == 0) piece.prefix = random_bytes(random, random() % 17);
    if (random() % 8 == 0) piece.padding = static_cast<std::uint8_t>(1 + random() % 255);
    piece.payload = random() % 4 == 0 ? shared_ : random_bytes(random, random() % 1501);
    piece.in_place = random() % 4 == 0;
    return piece;
  }

  std::vector<SealJob> jobs_for(const std::vector<Piece>& pieces, std::vector<std::unique_ptr<Sealing>>& associations,
                                std::vector<Buffer>& outs) {
    std::vector<SealJob> jobs(pieces.size());
    outs.assign(pieces.size(), {});
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      const Piece& piece = pieces[i];
      Sealing& association = *associations[piece.subscriber];
      SealJob& job = jobs[i];
      job.ticket = piece.kind == SrtpPacketKind::rtp ? *association.sender.claim({piece.sequence})
                                                     : *association.sealer.claim_rtcp(Ssrc{0x1000});
      const std::size_t clear = piece.header.size() + piece.prefix.size() + piece.payload.size() + piece.padding;
      outs[i].resize(clear + srtcp_overhead_max, std::byte{0x77});
      job.header = piece.header;
      job.prefix = piece.prefix;
      // What is equal in several pieces is one payload, as in a fan-out.
      job.payload = piece.payload == shared_ ? Bytes(shared_) : Bytes(piece.payload);
      job.padding = piece.padding;
      job.out = outs[i];
      if (piece.in_place) {
        const std::size_t at = piece.header.size() + piece.prefix.size();
        std::ranges::copy(piece.header, outs[i].begin());
        std::ranges::copy(piece.payload, outs[i].begin() + static_cast<std::ptrdiff_t>(at));
        job.header = Bytes(outs[i]).first(piece.header.size());
        job.payload = Bytes(outs[i]).subspan(at, piece.payload.size());
      }
    }
    return jobs;
  }

  std::mt19937 random{20'261'120};
  Buffer shared_ = random_bytes(random, 1100);

 private:
  std::int64_t sequence_ = 100;
};

std::vector<BackendCase> fast_backends() {
  const auto& all = srtp_test::all_backends();
  return {all.begin() + 1, all.end()};
}
INSTANTIATE_TEST_SUITE_P(all, Differential, ::testing::ValuesIn(fast_backends()),
                         [](const auto& test) { return test.param.name; });
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Differential);  // a machine without the library

TEST_P(Differential, seals_and_opens_as_openssl_does) {
  auto slow = associations_of(srtp_test::openssl_backend());
  auto fast = associations_of(GetParam());
  SrtpBackend& seals_slow = slow[0]->backend;
  SrtpBackend& seals_fast = fast[0]->backend;
  std::vector<std::unique_ptr<OpeningContext>> openings;
  for (const auto& association : fast)
    openings.push_back(seals_fast.make_opening_context(derive_session_keys(association->state.keys)));

  for (std::size_t round = 0; round < 120; ++round) {
    std::vector<Piece> pieces;
    for (std::size_t count = 1 + random() % 150; count > 0; --count) pieces.push_back(random_piece(random() % subscribers));
    std::vector<Buffer> expected;
    std::vector<Buffer> sealed;
    auto slow_jobs = jobs_for(pieces, slow, expected);
    auto fast_jobs = jobs_for(pieces, fast, sealed);
    seals_slow.seal(slow_jobs);
    seals_fast.seal(fast_jobs);
    std::vector<OpenJob> opens;
    std::vector<bool> spoiled;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      ASSERT_TRUE(slow_jobs[i].result);
      ASSERT_TRUE(fast_jobs[i].result);
      ASSERT_FALSE(fast_jobs[i].ticket.valid());
      expected[i].resize(*slow_jobs[i].result);
      sealed[i].resize(*fast_jobs[i].result);
      ASSERT_EQ(sealed[i], expected[i]) << "round " << round << " job " << i;
      spoiled.push_back(random() % 4 == 0);
      if (spoiled.back()) sealed[i][random() % sealed[i].size()] ^= std::byte{0x10};
      opens.push_back({openings[pieces[i].subscriber].get(), pieces[i].kind,
                       pieces[i].kind == SrtpPacketKind::rtp
                           ? Ssrc{0x1000 + static_cast<std::uint32_t>(pieces[i].subscriber)}
                           : Ssrc{0x1000},
                       fast_jobs[i].ticket.index(), pieces[i].header.size(), sealed[i]});
    }
    seals_fast.open(opens);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      ASSERT_EQ(opens[i].result.has_value(), !spoiled[i]) << "round " << round << " job " << i;
      if (spoiled[i]) continue;
      Buffer plain = pieces[i].header;
      plain.insert(plain.end(), pieces[i].prefix.begin(), pieces[i].prefix.end());
      plain.insert(plain.end(), pieces[i].payload.begin(), pieces[i].payload.end());
      plain.insert(plain.end(), pieces[i].padding, std::byte{0});
      if (pieces[i].padding > 0) plain.back() = std::byte{pieces[i].padding};
      sealed[i].resize(*opens[i].result);
      ASSERT_EQ(sealed[i], plain) << "round " << round << " job " << i;
    }
  }
}

TEST_P(Differential, bursts_of_every_size_give_the_same_packets) {
  const Buffer header = random_bytes(random, 24);
  std::int64_t sequence = 10;
  auto fast = associations_of(GetParam());
  for (std::size_t count = 1; count <= 140; ++count) {
    std::vector<Buffer> outs(count, Buffer(header.size() + shared_.size() + srtp_overhead_max));
    std::vector<SealJob> jobs(count);
    for (std::size_t i = 0; i < count; ++i) {
      Sealing& one = *fast[i * 3 % subscribers];  // CM only
      jobs[i].ticket = *one.sender.claim({sequence + static_cast<std::int64_t>(i)});
      jobs[i].header = header;
      jobs[i].payload = Bytes(shared_).first(shared_.size() - i);
      jobs[i].out = outs[i];
    }
    fast[0]->backend.seal(jobs);
    for (std::size_t i = 0; i < count; ++i) {
      Sealing slow(SrtpProfile::aes128_cm_sha1_80, fast[i * 3 % subscribers]->sender.ssrc().value,
                   srtp_test::openssl_backend(), static_cast<unsigned>(i * 3 % subscribers));
      SealJob job;
      Buffer expected(outs[i].size());
      job.ticket = *slow.sender.claim({sequence + static_cast<std::int64_t>(i)});
      job.header = header;
      job.payload = Bytes(shared_).first(shared_.size() - i);
      job.out = expected;
      slow.backend.seal({&job, 1});
      ASSERT_EQ(jobs[i].result, job.result);
      outs[i].resize(*jobs[i].result);
      expected.resize(*job.result);
      ASSERT_EQ(outs[i], expected) << count << " jobs, job " << i;
    }
    sequence += 1000;
  }
}

TEST_P(Differential, reads_and_writes_nothing_outside) {
  Fenced header_memory;
  Fenced prefix_memory;
  Fenced payload_memory;
  Fenced out_memory;
  std::size_t step = 0;
  for (const SrtpProfile profile : srtp_test::all_profiles) {
    Sealing end(profile, 0x1000, GetParam());
    const auto context = end.backend.make_opening_context(derive_session_keys(end.state.keys));
    std::int64_t sequence = 1;
    for (std::size_t size = 0; size <= 1500; size += size < 300 ? 1 : 13) {
      for (const auto against : {Fenced::Against::end, Fenced::Against::begin}) {
        const std::size_t header_size = 12 + 4 * (++step % 9);
        const std::size_t prefix_size = step % 3 == 0 ? step % 17 : 0;
        const MutableBytes header = header_memory.room(header_size, against);
        const MutableBytes prefix = prefix_memory.room(prefix_size, against);
        const MutableBytes payload = payload_memory.room(size, against);
        const MutableBytes out =
            out_memory.room(header_size + prefix_size + size + sizes_of(profile).rtp_overhead(), against);
        std::ranges::fill(payload, std::byte{0x5a});
        SealJob job;
        job.ticket = *end.sender.claim({sequence++});
        const std::uint64_t index = job.ticket.index();
        job.header = header;
        job.prefix = prefix;
        job.payload = payload;
        job.out = out;
        end.backend.seal({&job, 1});
        ASSERT_EQ(job.result.value_or(0), out.size());
        OpenJob open{context.get(), SrtpPacketKind::rtp, Ssrc{0x1000}, index, header_size, out};
        end.backend.open({&open, 1});
        ASSERT_EQ(open.result.value_or(0), header_size + prefix_size + size);
      }
    }
  }
}

TEST_P(Differential, what_does_not_fit_the_stage_is_sealed_all_the_same) {
  for (const SrtpProfile profile : srtp_test::all_profiles) {
    const auto seal = [&](const BackendCase& backend, bool in_place) {
      Sealing end(profile, 0x1000, backend);
      const Buffer header(12, std::byte{0x80});
      const Buffer prefix(100, std::byte{0x11});
      const Buffer payload(40'000, std::byte{0x22});
      Buffer out(header.size() + prefix.size() + payload.size() + 200 + srtp_overhead_max);
      SealJob job;
      job.ticket = *end.sender.claim({1});
      job.header = header;
      job.prefix = prefix;
      job.payload = payload;
      if (in_place) {
        std::ranges::copy(payload, out.begin() + 112);
        job.payload = Bytes(out).subspan(112, payload.size());
      }
      job.padding = 200;
      job.out = out;
      end.backend.seal({&job, 1});
      out.resize(job.result.value_or(0));
      return out;
    };
    const Buffer expected = seal(srtp_test::openssl_backend(), false);
    ASSERT_FALSE(expected.empty());
    EXPECT_EQ(seal(GetParam(), false), expected);
    EXPECT_EQ(seal(GetParam(), true), expected);
  }
}

}  // namespace
}  // namespace sluice
