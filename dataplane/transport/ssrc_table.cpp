#include "dataplane/transport/ssrc_table.hpp"

#include <algorithm>

namespace sluice {

SsrcTable::SsrcTable(SsrcTableState& state) noexcept
    : state_(state), count_(std::min<std::uint32_t>(state.count, static_cast<std::uint32_t>(incoming_ssrcs_max))) {
  for (std::uint32_t i = 0; i < count_; ++i) ssrcs_[i] = state_.rows[i].ssrc;
}

const SsrcBinding* SsrcTable::find(Ssrc ssrc) const noexcept {
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (ssrcs_[i] == ssrc.value) return &state_.rows[i];
  }
  return nullptr;
}

Result<void, BindError> SsrcTable::bind(Ssrc ssrc, PublicationId publication, std::uint8_t layer, StreamRole role,
                                        BindingOrigin origin) noexcept {
  const SsrcBinding wanted{ssrc.value, publication.slot, publication.incarnation, layer, role, origin, 0};
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (ssrcs_[i] != ssrc.value) continue;
    SsrcBinding& row = state_.rows[i];
    if (row.publication() == publication && row.layer == layer && row.role == role) {
      row.origin = std::max(row.origin, origin);
      return {};
    }
    if (origin != BindingOrigin::declared || row.origin == BindingOrigin::declared)
      return unexpected(BindError::bound_otherwise);
    row = wanted;
    return {};
  }
  if (count_ == incoming_ssrcs_max) return unexpected(BindError::table_full);
  state_.rows[count_] = wanted;
  ssrcs_[count_] = ssrc.value;
  state_.count = ++count_;
  return {};
}

void SsrcTable::release(Ssrc ssrc) noexcept {
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (ssrcs_[i] == ssrc.value) return erase(i);
  }
}

void SsrcTable::erase(std::uint32_t row) noexcept {
  const std::uint32_t last = count_ - 1;
  state_.rows[row] = state_.rows[last];
  ssrcs_[row] = ssrcs_[last];
  state_.rows[last] = {};
  state_.count = count_ = last;
}

}  // namespace sluice
