#include "dataplane/srtp/srtp_receiver.hpp"

#include <algorithm>
#include <limits>

#include "shm/types/byte_order.hpp"
#include "shm/types/sequence_number.hpp"

namespace sluice {
namespace {

constexpr std::size_t rtp_header_min = 12;
constexpr std::size_t rtcp_header = 8;
constexpr std::size_t rtcp_index_word = 4;
constexpr std::uint32_t encrypted_flag = 0x8000'0000U;
constexpr std::uint64_t rtp_index_end = std::uint64_t{1} << 48U;
const IndexWindow nothing_seen;

/// Fixed header, CSRCs and extension (RFC 3550 section 5.1): what is authenticated but not encrypted. The padding length is
/// inside the ciphertext, so a full RTP parse must wait.
std::size_t clear_header_size(Bytes packet) noexcept {
  ByteReader reader(packet);
  const std::uint8_t first = reader.u8();
  reader.skip(rtp_header_min - 1);
  reader.skip(std::size_t{4} * (first & 0x0fU));
  if ((first & 0x10U) != 0) {
    reader.skip(2);
    reader.skip(std::size_t{4} * reader.u16());
  }
  return reader.ok() ? reader.position() : packet.size() + 1;
}

bool is_version_2(Bytes packet) noexcept {
  return (std::to_integer<unsigned>(packet[0]) & 0xc0U) == 0x80U;
}

/// RFC 3711 section 3.3.1: the index nearest to the highest one. Where that would be negative the counter has not begun to
/// roll over, so it is 0.
std::uint64_t guess_index(std::uint16_t sequence, std::uint64_t next) noexcept {
  if (next == 0) return sequence;
  const auto guess = extend({sequence}, {static_cast<std::int64_t>(next - 1)}).value;
  return guess < 0 ? sequence : static_cast<std::uint64_t>(guess);
}

}  // namespace

SrtpReceiver::SrtpReceiver(SrtpReceiverState& state, SrtpBackend& backend) : state_(state), backend_(backend) {
  if (state_.keys.usable()) adopt();
}

void SrtpReceiver::adopt() {
  context_ = backend_.make_opening_context(derive_session_keys(state_.keys));
  for (count_ = 0; count_ < state_.streams.size() && state_.streams[count_].used != 0; ++count_) {
    const SrtpReceiveStreamState& row = state_.streams[count_];
    ssrcs_[count_] = row.ssrc;
    windows_[count_] = std::make_unique<Windows>(Windows{IndexWindow(row.next_rtp_index), IndexWindow(row.next_rtcp_index)});
    retirements_ = std::max(retirements_, row.retired);
  }
}

bool SrtpReceiver::set_keys(const SrtpKeys& keys) {
  if (!keys.usable()) return false;
  if (keyed() && state_.keys.same_as(keys)) return true;
  auto context = backend_.make_opening_context(derive_session_keys(keys));
  if (context == nullptr) return false;
  wipe();
  state_.keys.store(keys);
  context_ = std::move(context);
  return true;
}

void SrtpReceiver::wipe() noexcept {
  context_.reset();
  state_.keys.wipe();
  state_.streams.fill({});
  for (auto& windows : windows_) windows.reset();
  ssrcs_.fill(0);
  count_ = 0;
  retirements_ = 0;
}

std::size_t SrtpReceiver::row_of(Ssrc ssrc) const noexcept {
  for (std::size_t row = 0; row < count_; ++row) {
    if (ssrcs_[row] == ssrc.value) return row;
  }
  return no_row;
}

const IndexWindow& SrtpReceiver::window(std::size_t row, SrtpPacketKind kind) const noexcept {
  if (row == no_row) return nothing_seen;
  return kind == SrtpPacketKind::rtp ? windows_[row]->rtp : windows_[row]->rtcp;
}

Result<OpenJob, SrtpError> SrtpReceiver::prepare_rtp(MutableBytes packet) const noexcept {
  if (!keyed()) return unexpected(SrtpError::no_key);
  if (packet.size() < rtp_header_min + sizes_of(profile()).rtp_overhead()) return unexpected(SrtpError::too_short);
  const std::size_t header = clear_header_size(packet);
  if (!is_version_2(packet) || header > packet.size()) return unexpected(SrtpError::malformed);
  if (packet.size() < header + sizes_of(profile()).rtp_overhead()) return unexpected(SrtpError::too_short);

  const Ssrc ssrc{load_u32(packet, 8)};
  const IndexWindow& seen = window(row_of(ssrc), SrtpPacketKind::rtp);
  const std::uint64_t index = guess_index(load_u16(packet, 2), seen.next());
  if (index >= rtp_index_end) return unexpected(SrtpError::index_exhausted);
  switch (seen.check(index)) {
    case IndexWindow::Verdict::seen:
      return unexpected(SrtpError::replay);
    case IndexWindow::Verdict::old:
      return unexpected(SrtpError::old);
    case IndexWindow::Verdict::fresh:
      break;
  }
  return OpenJob{context_.get(), SrtpPacketKind::rtp, ssrc, index, header, packet, unexpected(SrtpError::no_key)};
}

Result<OpenJob, SrtpError> SrtpReceiver::prepare_rtcp(MutableBytes packet) const noexcept {
  if (!keyed()) return unexpected(SrtpError::no_key);
  const SrtpProfileSizes sizes = sizes_of(profile());
  if (packet.size() < rtcp_header + sizes.rtcp_overhead()) return unexpected(SrtpError::too_short);
  if (!is_version_2(packet)) return unexpected(SrtpError::malformed);
  // The word of E bit and index is last in AEAD profiles, before the tag in the others.
  const std::size_t behind_word = sizes.auth_key != 0 ? sizes.tag : 0;
  const std::uint32_t word = load_u32(packet, packet.size() - behind_word - rtcp_index_word);
  if ((word & encrypted_flag) == 0) return unexpected(SrtpError::not_encrypted);

  const Ssrc ssrc{load_u32(packet, 4)};
  const std::uint64_t index = word & ~encrypted_flag;
  switch (window(row_of(ssrc), SrtpPacketKind::rtcp).check(index)) {
    case IndexWindow::Verdict::seen:
      return unexpected(SrtpError::replay);
    case IndexWindow::Verdict::old:
      return unexpected(SrtpError::old);
    case IndexWindow::Verdict::fresh:
      break;
  }
  return OpenJob{context_.get(), SrtpPacketKind::rtcp, ssrc, index, rtcp_header, packet, unexpected(SrtpError::no_key)};
}

std::size_t SrtpReceiver::take_row(Ssrc ssrc) noexcept {
  std::size_t row = count_;
  if (row == SrtpReceiverState::streams_max) {
    // No empty row: the one that was retired first, if any.
    std::uint32_t first = std::numeric_limits<std::uint32_t>::max();
    for (std::size_t i = 0; i < count_; ++i) {
      const std::uint32_t retired = state_.streams[i].retired;
      if (retired != 0 && retired < first) {
        first = retired;
        row = i;
      }
    }
    if (row == SrtpReceiverState::streams_max) return no_row;
  }
  if (windows_[row] == nullptr) windows_[row] = std::make_unique<Windows>();
  *windows_[row] = Windows{};
  ssrcs_[row] = ssrc.value;
  // `used` goes with the rest of the row: a half-written row of a process that died costs one stream its replay history
  // at worst, and authenticity never.
  state_.streams[row] = {.next_rtp_index = 0, .next_rtcp_index = 0, .ssrc = ssrc.value, .used = 1, .retired = 0};
  count_ = std::max(count_, row + 1);
  return row;
}

Result<MutableBytes, SrtpError> SrtpReceiver::commit(const OpenJob& job) noexcept {
  if (!job.result) return unexpected(job.result.error());
  std::size_t row = row_of(job.ssrc);
  // Another packet of the same batch may have had this index.
  switch (window(row, job.kind).check(job.index)) {
    case IndexWindow::Verdict::seen:
      return unexpected(SrtpError::replay);
    case IndexWindow::Verdict::old:
      return unexpected(SrtpError::old);
    case IndexWindow::Verdict::fresh:
      break;
  }
  if (row == no_row) row = take_row(job.ssrc);
  if (row == no_row) return unexpected(SrtpError::too_many_streams);
  SrtpReceiveStreamState& stream = state_.streams[row];
  stream.retired = 0;
  if (job.kind == SrtpPacketKind::rtp) {
    windows_[row]->rtp.mark(job.index);
    stream.next_rtp_index = windows_[row]->rtp.next();
  } else {
    windows_[row]->rtcp.mark(job.index);
    stream.next_rtcp_index = static_cast<std::uint32_t>(windows_[row]->rtcp.next());
  }
  return job.packet.first(*job.result);
}

Result<MutableBytes, SrtpError> SrtpReceiver::open_rtp(MutableBytes packet) noexcept {
  auto job = prepare_rtp(packet);
  if (!job) return unexpected(job.error());
  backend_.open({&*job, 1});
  return commit(*job);
}

Result<MutableBytes, SrtpError> SrtpReceiver::open_rtcp(MutableBytes packet) noexcept {
  auto job = prepare_rtcp(packet);
  if (!job) return unexpected(job.error());
  backend_.open({&*job, 1});
  return commit(*job);
}

void SrtpReceiver::retire(Ssrc ssrc) noexcept {
  const std::size_t row = row_of(ssrc);
  if (row != no_row && state_.streams[row].retired == 0) state_.streams[row].retired = ++retirements_;
}

}  // namespace sluice
