#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "dataplane/packet/rtcp_writer.hpp"
#include "dataplane/transport/transport.hpp"

namespace sluice {

/// Gathers what one transport has to say now into as few compounds as hold it, and sends them. Each compound begins with a
/// report (RFC 3550 section 6.1); feedback that comes first gets an empty RR in front. Lives on the stack; what is left
/// goes out with flush() or at its end.
class RtcpOutbox {
 public:
  explicit RtcpOutbox(Transport& transport) noexcept : transport_(transport), writer_(MutableBytes(bytes_)) {}
  ~RtcpOutbox() { flush(); }
  RtcpOutbox(const RtcpOutbox&) = delete;
  RtcpOutbox& operator=(const RtcpOutbox&) = delete;

  /// `write(RtcpWriter&)` puts in an SR or RR, or returns false for want of room.
  template <typename Write>
  bool report(Write write) noexcept {
    if (write(writer_)) return true;
    flush();
    return write(writer_);
  }
  /// The same for packets that may not come first.
  template <typename Write>
  bool append(Write write) noexcept {
    if (!begun()) return false;
    if (write(writer_)) return true;
    flush();
    return begun() && write(writer_);
  }
  /// Sends what was gathered. True when there was nothing, or it was sent.
  bool flush() noexcept {
    if (writer_.empty()) return true;
    const bool sent = transport_.send_rtcp(writer_.written());
    writer_ = RtcpWriter(MutableBytes(bytes_));
    return sent;
  }

 private:
  bool begun() noexcept { return !writer_.empty() || writer_.receiver_report(transport_.rtcp_ssrc()); }

  Transport& transport_;
  std::array<std::byte, 1160> bytes_;  // with SRTCP's 20 bytes below the 1,200 that every path carries
  RtcpWriter writer_;
};

}  // namespace sluice
