// uses: dataplane_dtls
// Datagrams of a hostile peer into a server association and into a client that waits for its answer. The input is a list of
// datagrams, each with two bytes of length in front; the first byte of all says the role and how far time moves between
// them. Nobody here owns the key to the fingerprint, so nobody may become connected.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "dataplane/dtls/dtls_association.hpp"
#include "shm/types/byte_order.hpp"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Certificate certificate =
      Certificate::generate(std::chrono::sys_seconds(std::chrono::seconds(1'760'000'000)));
  static const DtlsContext context(certificate);
  ByteReader reader({reinterpret_cast<const std::byte*>(data), size});
  const std::uint8_t options = reader.u8();
  DtlsAssociation association(context, (options & 1U) != 0 ? DtlsRole::client : DtlsRole::server, Fingerprint{});
  TimePoint now{std::chrono::seconds(1)};
  association.start(now);
  while (reader.remaining() > 2) {
    const std::size_t length = reader.u16();
    const Bytes bytes = reader.take(std::min(length, reader.remaining()));
    const std::vector<std::byte> datagram(bytes.begin(), bytes.end());
    (void)association.handle_datagram(now, datagram);
    now += std::chrono::milliseconds(options >> 1U);
    if (association.next_deadline() <= now) association.handle_timeout(now);
    while (const auto output = association.poll_output()) {
      if (const auto* sent = std::get_if<DtlsDatagram>(&*output); sent != nullptr && sent->bytes.size() > 1200) std::abort();
      if (std::holds_alternative<DtlsConnected>(*output)) std::abort();
    }
    if (association.export_keys()) std::abort();
  }
  return 0;
}
