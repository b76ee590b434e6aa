#include "dataplane/packet/dtls_records.hpp"

#include "shm/types/byte_order.hpp"

namespace sluice {

bool holds_dtls_records(Bytes datagram) noexcept {
  if (datagram.empty()) return false;
  ByteReader reader(datagram);
  while (reader.ok() && reader.remaining() > 0) {
    const unsigned type = reader.u8();
    const unsigned version_major = reader.u8();
    reader.skip(1 + 2 + 6);  // minor version, epoch, sequence number
    reader.skip(reader.u16());
    if (type < 20 || type > 26 || version_major != 0xfe) return false;
  }
  return reader.ok();
}

}  // namespace sluice
