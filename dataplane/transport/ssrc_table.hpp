#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "dataplane/transport/spec.hpp"
#include "shm/types/ids.hpp"
#include "shm/types/result.hpp"

namespace sluice {

/// What an incoming SSRC carries.
enum class StreamRole : std::uint8_t {
  media,  ///< a layer of a publication
  rtx,    ///< retransmissions of that layer (RFC 4588)
};

/// Who said so.
enum class BindingOrigin : std::uint8_t {
  none,      ///< empty row
  learned,   ///< header extensions of an authenticated packet (RFC 8843 section 9.2, RFC 8852)
  declared,  ///< the offer's a=ssrc lines; never overridden by what packets say
};

/// One incoming SSRC of a transport. All zero: empty.
struct SsrcBinding {
  std::uint32_t ssrc = 0;
  std::uint32_t publication_slot = 0;
  std::uint32_t publication_incarnation = 0;
  std::uint8_t layer = 0;
  StreamRole role = StreamRole::media;
  BindingOrigin origin = BindingOrigin::none;
  std::uint8_t reserved = 0;
  [[nodiscard]] PublicationId publication() const noexcept { return {publication_slot, publication_incarnation}; }
};

struct SsrcTableState {
  std::array<SsrcBinding, incoming_ssrcs_max> rows{};  // rows in use are the first ones
  std::uint32_t count = 0;
  std::uint32_t reserved = 0;
};
static_assert(std::is_standard_layout_v<SsrcTableState> && std::is_trivially_copyable_v<SsrcTableState>);
static_assert(sizeof(SsrcTableState) == 64 * 16 + 8);

enum class BindError : std::uint8_t {
  table_full,      ///< this transport has 64 incoming SSRCs
  bound_otherwise  ///< the SSRC is declared, or learned for another m-line (hardening.md section 2)
};

/// Which incoming SSRC of one transport belongs to which publication and layer. A few rows in practice, so a scan of a dense
/// array; works on `state`, so a successor knows the bindings.
class SsrcTable {
 public:
  explicit SsrcTable(SsrcTableState& state) noexcept;
  /// Null when unknown; valid until the table changes.
  [[nodiscard]] const SsrcBinding* find(Ssrc ssrc) const noexcept;
  /// Binds or confirms. A learned binding never changes an existing one; a declared one replaces a learned one.
  Result<void, BindError> bind(Ssrc ssrc, PublicationId publication, std::uint8_t layer, StreamRole role,
                               BindingOrigin origin) noexcept;
  /// Forgets every SSRC of a publication, calling `each(Ssrc)`.
  template <typename Each>
  void release(PublicationId publication, Each each) noexcept {
    for (std::uint32_t i = 0; i < count_;) {
      const SsrcBinding row = state_.rows[i];
      if (row.publication() != publication) {
        ++i;
        continue;
      }
      erase(i);
      each(Ssrc{row.ssrc});
    }
  }
  /// Forgets one row; the publication's encoder chose a new SSRC for the layer.
  void release(Ssrc ssrc) noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept { return count_; }

 private:
  void erase(std::uint32_t row) noexcept;
  SsrcTableState& state_;
  std::array<std::uint32_t, incoming_ssrcs_max> ssrcs_{};  // of the rows in use, dense for the scan
  std::uint32_t count_ = 0;
};

}  // namespace sluice
