#include "dataplane/dtls/record_filter.hpp"

#include <bit>

#include "dataplane/dtls/dtls_limits.hpp"
#include "shm/types/byte_order.hpp"

namespace sluice {
namespace {
enum ContentType : std::uint8_t { change_cipher_spec = 20, handshake = 22, application_data = 23 };
constexpr std::uint8_t certificate_message = 11;
constexpr std::size_t record_bytes_max = 16 * 1024 + 2048;  // RFC 6347 section 4.1, with the expansion of a cipher
}  // namespace

//   type (1) | version FE FF or FE FD (2) | epoch (2) | sequence (6) | length (2) | content
RecordFilter::Verdict RecordFilter::check(Bytes datagram) noexcept {
  if (datagram.empty()) return Verdict::malformed;
  ByteReader reader(datagram);
  while (reader.remaining() > 0) {
    const std::uint8_t type = reader.u8();
    const std::uint16_t version = reader.u16();
    const std::uint16_t epoch = reader.u16();
    reader.skip(6);
    const std::uint16_t length = reader.u16();
    const Bytes content = reader.take(length);
    if (!reader.ok() || type < change_cipher_spec || type > application_data || version >> 8U != 0xfe ||
        length > record_bytes_max) {
      return Verdict::malformed;
    }
    if (type != handshake || epoch != 0) continue;
    if (const Verdict verdict = check_handshake(content); verdict != Verdict::pass) return verdict;
  }
  return Verdict::pass;
}

//   type (1) | length (3) | message sequence (2) | fragment offset (3) | fragment length (3) | fragment
RecordFilter::Verdict RecordFilter::check_handshake(Bytes content) noexcept {
  ByteReader reader(content);
  while (reader.remaining() > 0) {
    const std::uint8_t type = reader.u8();
    const std::uint32_t length = reader.u24();
    const std::uint16_t sequence = reader.u16();
    const std::uint32_t offset = reader.u24();
    const std::uint32_t size = reader.u24();
    reader.skip(size);
    if (!reader.ok() || offset + size > length) return Verdict::malformed;
    const std::size_t limit =
        type == certificate_message ? DtlsLimits::certificate_bytes_max : DtlsLimits::handshake_message_bytes_max;
    if (length > limit || sequence >= DtlsLimits::message_sequence_max) return Verdict::over_limit;
    if (size == length) continue;
    if (fragments_ >= DtlsLimits::fragments_max) return Verdict::over_limit;
    const std::uint32_t messages = fragmented_messages_ | std::uint32_t{1} << sequence;
    if (static_cast<unsigned>(std::popcount(messages)) > DtlsLimits::fragmented_messages_max) return Verdict::over_limit;
    fragmented_messages_ = messages;
    ++fragments_;
  }
  return Verdict::pass;
}

}  // namespace sluice
