#include "tests/dataplane/srtp/srtp_fixture.hpp"

#include <utility>

#include "shm/types/byte_order.hpp"

namespace sluice::srtp_test {

std::unique_ptr<SrtpBackend> BackendCase::open() const {
  if (name == "openssl") return std::make_unique<OpensslSrtpBackend>();
  return open_ipsec_mb_backend(instructions);
}

void PrintTo(const BackendCase& backend, std::ostream* out) {
  *out << backend.name;
}

const std::vector<BackendCase>& all_backends() {
  static const std::vector<BackendCase> backends = [] {
    std::vector<BackendCase> found{{.name = "openssl"}};
    for (const BackendCase& one :
         {BackendCase{"ipsec_mb_sse", InstructionSet::sse}, BackendCase{"ipsec_mb_avx", InstructionSet::avx},
          BackendCase{"ipsec_mb_avx2", InstructionSet::avx2}, BackendCase{"ipsec_mb_avx512", InstructionSet::avx512}}) {
      if (one.open() != nullptr) found.push_back(one);
    }
    return found;
  }();
  return backends;
}

const BackendCase& openssl_backend() {
  return all_backends().front();
}

Buffer from_hex(std::string_view text) {
  Buffer bytes;
  unsigned value = 0;
  bool half = false;
  for (const char c : text) {
    if (c == ' ' || c == '\n') continue;
    const auto digit = static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    value = value << 4U | digit;
    if (half) bytes.push_back(static_cast<std::byte>(value));
    half = !half;
  }
  return bytes;
}

Buffer copy_of(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

Buffer key_salt(SrtpProfile profile, unsigned seed) {
  const SrtpProfileSizes sizes = sizes_of(profile);
  Buffer bytes(sizes.master_key + sizes.master_salt);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37 + seed * 101 + 11);
  return bytes;
}

SrtpKeys keys_of(SrtpProfile profile, unsigned seed) {
  return *SrtpKeys::from_key_salt(profile, key_salt(profile, seed));
}

std::size_t header_size(const RtpShape& shape) {
  return 12 + std::size_t{4} * shape.csrcs + (shape.extension_words > 0 ? 4 + std::size_t{4} * shape.extension_words : 0);
}

Buffer rtp_packet(std::uint16_t sequence, const RtpShape& shape) {
  Buffer packet(header_size(shape) + shape.payload);
  ByteWriter writer(packet);
  writer.u8(static_cast<std::uint8_t>(0x80U | shape.csrcs | (shape.extension_words > 0 ? 0x10U : 0U)));
  writer.u8(96);
  writer.u16(sequence);
  writer.u32(sequence * 3000U);
  writer.u32(shape.ssrc);
  for (unsigned i = 0; i < shape.csrcs; ++i) writer.u32(0xc000'0000U + i);
  if (shape.extension_words > 0) {
    writer.u16(0xbede);
    writer.u16(static_cast<std::uint16_t>(shape.extension_words));
    for (unsigned i = 0; i < shape.extension_words; ++i) writer.u32(0x1021'0000U + i);
  }
  for (std::size_t i = 0; i < shape.payload; ++i) writer.u8(static_cast<std::uint8_t>(i * 7 + sequence));
  return packet;
}

Buffer rtcp_packet(std::uint32_t ssrc, std::size_t rest) {
  Buffer packet(8 + rest);
  ByteWriter writer(packet);
  writer.u8(0x80);
  writer.u8(201);
  writer.u16(static_cast<std::uint16_t>(packet.size() / 4 - 1));
  writer.u32(ssrc);
  for (std::size_t i = 0; i < rest; ++i) writer.u8(static_cast<std::uint8_t>(i * 5));
  return packet;
}

Sealing::Sealing(SrtpProfile profile, std::uint32_t ssrc, const BackendCase& with, unsigned seed)
    : owned(with.open()),
      backend(*owned),
      sealer((state.keys = keys_of(profile, seed), state), backend),
      sender(sender_state, sealer, Ssrc{ssrc}) {}

Result<Buffer, SrtpError> Sealing::rtp(std::int64_t sequence, const RtpShape& shape) {
  auto ticket = sender.claim({sequence});
  if (!ticket) return unexpected(ticket.error());
  const Buffer plain = rtp_packet(static_cast<std::uint16_t>(sequence), shape);
  Buffer out(plain.size() + srtp_overhead_max);
  SealJob job;
  job.ticket = std::move(*ticket);
  job.header = Bytes(plain).first(header_size(shape));
  job.payload = Bytes(plain).subspan(header_size(shape));
  job.out = out;
  backend.seal({&job, 1});
  if (!job.result) return unexpected(job.result.error());
  out.resize(*job.result);
  return out;
}

Result<Buffer, SrtpError> Sealing::rtcp(Bytes compound) {
  auto ticket = sealer.claim_rtcp(Ssrc{load_u32(compound, 4)});
  if (!ticket) return unexpected(ticket.error());
  Buffer out(compound.size() + srtcp_overhead_max);
  SealJob job = rtcp_seal_job(std::move(*ticket), compound, out);
  backend.seal({&job, 1});
  if (!job.result) return unexpected(job.result.error());
  out.resize(*job.result);
  return out;
}

}  // namespace sluice::srtp_test
