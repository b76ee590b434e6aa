#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "dataplane/srtp/index_window.hpp"
#include "dataplane/srtp/srtp_backend.hpp"
#include "dataplane/srtp/srtp_keys.hpp"
#include "shm/types/bytes.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// One incoming SSRC. All zero: empty row. Which indices below the highest were seen is not kept here: on adoption all count
/// as seen, which at worst drops a few reordered packets.
struct SrtpReceiveStreamState {
  std::uint64_t next_rtp_index = 0;   // highest authentic index + 1; 0: no RTP yet
  std::uint32_t next_rtcp_index = 0;  // the same for SRTCP
  std::uint32_t ssrc = 0;
  std::uint32_t used = 0;     // 1: the row is taken
  std::uint32_t retired = 0;  // order in which it was retired, from 1; 0: in use
};
static_assert(std::is_standard_layout_v<SrtpReceiveStreamState> && std::is_trivially_copyable_v<SrtpReceiveStreamState>);
static_assert(sizeof(SrtpReceiveStreamState) == 24);

/// The peer's direction of one association. All zero: no keys.
struct SrtpReceiverState {
  static constexpr std::size_t streams_max = 64;
  SrtpKeys keys;
  std::array<SrtpReceiveStreamState, streams_max> streams{};
};
static_assert(std::is_standard_layout_v<SrtpReceiverState> && std::is_trivially_copyable_v<SrtpReceiverState>);
static_assert(sizeof(SrtpReceiverState) == 48 + 64 * 24);

/// Opens what the peer sends: guesses the rollover counter (RFC 3711 section 3.3.1 and appendix A), keeps a replay window of
/// 1,024 per SSRC and kind, and changes its state only for authentic packets. Rows are taken by the first authentic packet
/// of an SSRC (the only moment that allocates; at most 64 rows) and may be given free by retire().
///
/// One packet: open_rtp(), open_rtcp(). Many: prepare_*() for each, one SrtpBackend::open() over all jobs, commit() for
/// each.
class SrtpReceiver {
 public:
  /// `state` and `backend` outlive the receiver. Keys that the state holds are adopted.
  SrtpReceiver(SrtpReceiverState& state, SrtpBackend& backend);
  SrtpReceiver(const SrtpReceiver&) = delete;
  SrtpReceiver& operator=(const SrtpReceiver&) = delete;
  ~SrtpReceiver() = default;

  /// Stores new keys and forgets all streams. The keys that are already there change nothing. False, with nothing changed,
  /// if the keys are not usable. No job may be between prepare and commit.
  bool set_keys(const SrtpKeys& keys);
  [[nodiscard]] bool keyed() const noexcept { return context_ != nullptr; }
  [[nodiscard]] SrtpProfile profile() const noexcept { return keyed() ? state_.keys.profile() : SrtpProfile::none; }

  /// Opens one packet in place; the result is the plaintext at the front of `packet`, garbage after an error.
  [[nodiscard]] Result<MutableBytes, SrtpError> open_rtp(MutableBytes packet) noexcept;
  [[nodiscard]] Result<MutableBytes, SrtpError> open_rtcp(MutableBytes packet) noexcept;

  /// Everything that can be refused without the key; changes nothing, neither state nor packet.
  [[nodiscard]] Result<OpenJob, SrtpError> prepare_rtp(MutableBytes packet) const noexcept;
  [[nodiscard]] Result<OpenJob, SrtpError> prepare_rtcp(MutableBytes packet) const noexcept;
  /// After SrtpBackend::open(): refuses what was not authentic or is a repeat within the batch, else notes the index.
  [[nodiscard]] Result<MutableBytes, SrtpError> commit(const OpenJob& job) noexcept;

  /// The SSRC is not expected any more (its publication ended). Its row is kept, with its replay protection, until another
  /// SSRC finds no empty row; a packet of it that still comes takes the row back.
  void retire(Ssrc ssrc) noexcept;
  /// Incoming SSRCs known, retired ones included.
  [[nodiscard]] std::size_t stream_count() const noexcept { return count_; }
  /// Forgets keys and streams, in the state as well.
  void wipe() noexcept;

 private:
  struct Windows {
    IndexWindow rtp;
    IndexWindow rtcp;
  };
  static constexpr std::size_t no_row = SrtpReceiverState::streams_max;
  void adopt();
  [[nodiscard]] std::size_t row_of(Ssrc ssrc) const noexcept;
  [[nodiscard]] std::size_t take_row(Ssrc ssrc) noexcept;
  [[nodiscard]] const IndexWindow& window(std::size_t row, SrtpPacketKind kind) const noexcept;

  SrtpReceiverState& state_;
  SrtpBackend& backend_;
  std::unique_ptr<OpeningContext> context_;
  std::array<std::unique_ptr<Windows>, SrtpReceiverState::streams_max> windows_;
  std::array<std::uint32_t, SrtpReceiverState::streams_max> ssrcs_{};  // of the rows below count_, dense for the lookup
  std::size_t count_ = 0;  // rows in use are the first ones: none is ever emptied but by wipe() and set_keys()
  std::uint32_t retirements_ = 0;
};

}  // namespace sluice
