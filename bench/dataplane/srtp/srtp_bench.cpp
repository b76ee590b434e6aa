// uses: dataplane_srtp sluice::srtp2
// Nanoseconds of CPU per packet to seal and to open, our backends beside libsrtp2, for 1 and 500 keys taken round-robin (a
// fan-out touches every subscriber's key once per packet). Sealing by bursts of `burst` packets of one payload, as a fan-out
// brings them. The counter `limit_ns` is the measured figure of the machine that docs/performance.md describes, where there
// is one.
#include <benchmark/benchmark.h>
#include <srtp2/srtp.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "dataplane/srtp/ipsec_mb_backend.hpp"
#include "dataplane/srtp/openssl_backend.hpp"
#include "dataplane/srtp/srtp_receiver.hpp"
#include "dataplane/srtp/srtp_sealer.hpp"
#include "dataplane/srtp/srtp_sender.hpp"
#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {

using Buffer = std::vector<std::byte>;
constexpr std::uint32_t ssrc = 0x1234'5678;

// Columns of the limits: [cm 1100, cm 100, gcm128 1100, gcm128 100, gcm256 1100, gcm256 100].
struct Limits {
  double ns[6];
};
constexpr Limits openssl_seal{{825, 222, 377, 206, 410, 227}};
constexpr Limits openssl_seal_500{{825, 222, 409, 206, 457, 227}};
constexpr Limits openssl_open{{803, 204, 377, 212, 401, 244}};
constexpr Limits ipsec_mb_seal{{179, 59, 88, 49, 103, 54}};  // CM in bursts of 128
constexpr Limits ipsec_mb_seal_500{{179, 59, 95, 49, 111, 54}};
constexpr Limits ipsec_mb_open{{0, 0, 87, 32, 98, 37}};
constexpr Limits libsrtp_seal{{4010, 1890, 965, 814, 1035, 884}};
constexpr Limits libsrtp_seal_500{{5640, 2950, 1190, 1150, 1280, 1520}};
constexpr Limits libsrtp_open{{3880, 1890, 987, 840, 1071, 1000}};

struct Case {
  SrtpProfile profile;
  std::size_t size;  // of the RTP packet before protection
  std::size_t keys;
  std::size_t burst;

  explicit Case(const benchmark::State& state)
      : profile(static_cast<SrtpProfile>(state.range(0))),
        size(static_cast<std::size_t>(state.range(1))),
        keys(static_cast<std::size_t>(state.range(2))),
        burst(static_cast<std::size_t>(state.range(3))) {}
  [[nodiscard]] double limit(const Limits& limits) const {
    const std::size_t row = profile == SrtpProfile::aes128_cm_sha1_80 ? 0 : profile == SrtpProfile::aead_aes_128_gcm ? 1 : 2;
    return limits.ns[row * 2 + (size == 1100 ? 0 : 1)];
  }
};

Buffer key_salt(SrtpProfile profile, std::size_t seed) {
  Buffer bytes(sizes_of(profile).master_key + sizes_of(profile).master_salt);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37 + seed * 101 + (seed >> 4U));
  return bytes;
}

Buffer rtp(std::size_t size) {
  Buffer packet(size);
  ByteWriter writer(packet);
  writer.u8(0x80);
  writer.u8(96);
  writer.u16(0);
  writer.u32(0);
  writer.u32(ssrc);
  return packet;
}

struct Subscriber {
  Subscriber(SrtpProfile profile, std::size_t seed, SrtpBackend& backend)
      : sealer_state{.keys = *SrtpKeys::from_key_salt(profile, key_salt(profile, seed))},
        sealer(sealer_state, backend),
        sender(sender_state, sealer, Ssrc{ssrc}) {}
  SrtpSealerState sealer_state;
  SrtpSenderState sender_state;
  SrtpSealer sealer;
  SrtpSender sender;
  std::int64_t next = 0;
};

std::unique_ptr<SrtpBackend> openssl() {
  return std::make_unique<OpensslSrtpBackend>();
}
template <InstructionSet instructions>
std::unique_ptr<SrtpBackend> ipsec_mb() {
  return open_ipsec_mb_backend(instructions);
}

using OpenBackend = std::unique_ptr<SrtpBackend> (*)();

void seal(benchmark::State& state, OpenBackend open_backend, const Limits& limits, const Limits& limits_500) {
  const Case shape(state);
  const auto owned = open_backend();
  if (owned == nullptr) return state.SkipWithError("does not run here");
  SrtpBackend& backend = *owned;
  std::vector<std::unique_ptr<Subscriber>> subscribers;
  for (std::size_t i = 0; i < shape.keys; ++i)
    subscribers.push_back(std::make_unique<Subscriber>(shape.profile, i, backend));
  const Buffer plain = rtp(shape.size);
  std::vector<Buffer> headers(shape.burst, Buffer(plain.begin(), plain.begin() + 12));
  std::vector<Buffer> outs(shape.burst, Buffer(shape.size + srtp_overhead_max));
  std::vector<SealJob> jobs(shape.burst);
  std::size_t at = 0;
  while (state.KeepRunningBatch(static_cast<benchmark::IterationCount>(shape.burst))) {
    for (std::size_t i = 0; i < shape.burst; ++i) {
      Subscriber& subscriber = *subscribers[at];
      at = at + 1 == shape.keys ? 0 : at + 1;
      store_u16(headers[i], 2, static_cast<std::uint16_t>(subscriber.next));
      SealJob& job = jobs[i];
      job.ticket = *subscriber.sender.claim({subscriber.next++});
      job.header = headers[i];
      job.payload = Bytes(plain).subspan(12);
      job.out = outs[i];
    }
    backend.seal(jobs);
    if (!jobs.back().result) state.SkipWithError("not sealed");
    benchmark::ClobberMemory();
  }
  state.counters["limit_ns"] = shape.limit(shape.keys == 1 ? limits : limits_500);
}

class Libsrtp {
 public:
  Libsrtp(SrtpProfile profile, std::size_t seed, srtp_ssrc_type_t direction) : key_(key_salt(profile, seed)) {
    static const auto initialised = srtp_init();
    benchmark::DoNotOptimize(initialised);
    srtp_policy_t policy{};
    for (srtp_crypto_policy_t* crypto : {&policy.rtp, &policy.rtcp}) {
      if (profile == SrtpProfile::aes128_cm_sha1_80) srtp_crypto_policy_set_rtp_default(crypto);
      if (profile == SrtpProfile::aead_aes_128_gcm) srtp_crypto_policy_set_aes_gcm_128_16_auth(crypto);
      if (profile == SrtpProfile::aead_aes_256_gcm) srtp_crypto_policy_set_aes_gcm_256_16_auth(crypto);
    }
    policy.ssrc.type = direction;
    policy.key = reinterpret_cast<unsigned char*>(key_.data());
    policy.window_size = 1024;
    if (srtp_create(&session, &policy) != srtp_err_status_ok) std::abort();
  }
  Libsrtp(const Libsrtp&) = delete;
  Libsrtp& operator=(const Libsrtp&) = delete;
  ~Libsrtp() { srtp_dealloc(session); }
  srtp_t session = nullptr;
  std::uint16_t next = 0;

 private:
  Buffer key_;
};

void seal_libsrtp(benchmark::State& state) {
  const Case shape(state);
  std::vector<std::unique_ptr<Libsrtp>> subscribers;
  for (std::size_t i = 0; i < shape.keys; ++i) {
    subscribers.push_back(std::make_unique<Libsrtp>(shape.profile, i, ssrc_any_outbound));
  }
  const Buffer plain = rtp(shape.size);
  Buffer out(shape.size + SRTP_MAX_TRAILER_LEN);
  std::size_t at = 0;
  for (auto _ : state) {
    Libsrtp& subscriber = *subscribers[at];
    at = at + 1 == shape.keys ? 0 : at + 1;
    std::copy(plain.begin(), plain.end(), out.begin());  // it only seals in place
    store_u16(out, 2, subscriber.next++);
    int size = static_cast<int>(shape.size);
    if (srtp_protect(subscriber.session, out.data(), &size) != srtp_err_status_ok) state.SkipWithError("not sealed");
    benchmark::ClobberMemory();
  }
  state.counters["limit_ns"] = shape.limit(shape.keys == 1 ? libsrtp_seal : libsrtp_seal_500);
}

/// Sealed packets of consecutive sequence numbers of each key, made in chunks outside of the measured time.
class Sealed {
 public:
  explicit Sealed(const Case& shape) : plain_(rtp(shape.size)), shape_(shape) {
    for (std::size_t i = 0; i < shape.keys; ++i) ends_.push_back(std::make_unique<Subscriber>(shape.profile, i, backend_));
    packets_.resize(4096, Buffer(shape.size + sizes_of(shape.profile).rtp_overhead()));
  }
  std::size_t key_of(std::size_t i) const { return (first_ + i) % shape_.keys; }
  std::vector<Buffer>& next_chunk() {
    first_ += used_ ? packets_.size() : 0;
    used_ = true;
    for (std::size_t i = 0; i < packets_.size(); ++i) {
      Subscriber& end = *ends_[key_of(i)];
      store_u16(plain_, 2, static_cast<std::uint16_t>(end.next));
      SealJob job;
      job.ticket = *end.sender.claim({end.next++});
      job.header = Bytes(plain_).first(12);
      job.payload = Bytes(plain_).subspan(12);
      job.out = packets_[i];
      backend_.seal({&job, 1});
    }
    return packets_;
  }

 private:
  OpensslSrtpBackend backend_;
  Buffer plain_;
  Case shape_;
  std::vector<std::unique_ptr<Subscriber>> ends_;
  std::vector<Buffer> packets_;
  std::size_t first_ = 0;
  bool used_ = false;
};

template <typename Open>
void open_all(benchmark::State& state, const Case& shape, const Limits& limits, const Open& open) {
  Sealed source(shape);
  std::vector<Buffer>* chunk = nullptr;
  std::size_t at = 0;
  for (auto _ : state) {
    if (chunk == nullptr || at == chunk->size()) {
      state.PauseTiming();
      chunk = &source.next_chunk();
      at = 0;
      state.ResumeTiming();
    }
    if (!open(source.key_of(at), (*chunk)[at])) state.SkipWithError("not opened");
    ++at;
  }
  state.counters["limit_ns"] = shape.limit(limits);
}

void open(benchmark::State& state, OpenBackend open_backend, const Limits& limits) {
  const Case shape(state);
  const auto owned = open_backend();
  if (owned == nullptr) return state.SkipWithError("does not run here");
  SrtpBackend& backend = *owned;
  struct Publisher {
    Publisher(SrtpProfile profile, std::size_t seed, SrtpBackend& backend)
        : state{.keys = *SrtpKeys::from_key_salt(profile, key_salt(profile, seed))}, receiver(state, backend) {}
    SrtpReceiverState state;
    SrtpReceiver receiver;
  };
  std::vector<std::unique_ptr<Publisher>> publishers;
  for (std::size_t i = 0; i < shape.keys; ++i) publishers.push_back(std::make_unique<Publisher>(shape.profile, i, backend));
  open_all(state, shape, limits,
           [&](std::size_t key, Buffer& packet) { return publishers[key]->receiver.open_rtp(packet).has_value(); });
}

void open_libsrtp(benchmark::State& state) {
  const Case shape(state);
  std::vector<std::unique_ptr<Libsrtp>> publishers;
  for (std::size_t i = 0; i < shape.keys; ++i) {
    publishers.push_back(std::make_unique<Libsrtp>(shape.profile, i, ssrc_any_inbound));
  }
  open_all(state, shape, libsrtp_open, [&](std::size_t key, Buffer& packet) {
    int size = static_cast<int>(packet.size());
    return srtp_unprotect(publishers[key]->session, packet.data(), &size) == srtp_err_status_ok;
  });
}

void cases(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"profile", "bytes", "keys", "burst"});
  for (const int profile : {7, 8, 1}) {
    for (const int bytes : {1100, 100}) {
      for (const int keys : {1, 500}) bench->Args({profile, bytes, keys, 1});
    }
  }
}
void seal_cases(benchmark::internal::Benchmark* bench) {
  cases(bench);
  for (const int profile : {7, 8, 1}) {
    for (const int bytes : {1100, 100}) bench->Args({profile, bytes, 500, 64});
  }
  bench->Args({1, 1100, 500, 8});
  bench->Args({1, 1100, 500, 16});
}
BENCHMARK_CAPTURE(seal, openssl, &openssl, openssl_seal, openssl_seal_500)->Apply(seal_cases);
BENCHMARK_CAPTURE(seal, ipsec_mb, &ipsec_mb<InstructionSet::best>, ipsec_mb_seal, ipsec_mb_seal_500)->Apply(seal_cases);
BENCHMARK_CAPTURE(seal, ipsec_mb_avx2, &ipsec_mb<InstructionSet::avx2>, ipsec_mb_seal, ipsec_mb_seal_500)->Apply(seal_cases);
BENCHMARK_CAPTURE(seal, ipsec_mb_sse, &ipsec_mb<InstructionSet::sse>, ipsec_mb_seal, ipsec_mb_seal_500)->Apply(seal_cases);
BENCHMARK(seal_libsrtp)->Apply(cases);
BENCHMARK_CAPTURE(open, openssl, &openssl, openssl_open)->Apply(cases);
BENCHMARK_CAPTURE(open, ipsec_mb, &ipsec_mb<InstructionSet::best>, ipsec_mb_open)->Apply(cases);
BENCHMARK(open_libsrtp)->Apply(cases);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
