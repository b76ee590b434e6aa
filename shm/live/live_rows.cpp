#include "shm/live/live_rows.hpp"

namespace sluice {

bool plausible(const TransportRow& row) noexcept {
  if (row.state > schema::TransportState::MAX || row.reason > schema::FailureReason::MAX) return false;
  switch (row.srtp_profile) {
    case SrtpProfile::none:
    case SrtpProfile::aes128_cm_sha1_80:
    case SrtpProfile::aead_aes_128_gcm:
    case SrtpProfile::aead_aes_256_gcm:
      return true;
  }
  return false;
}

bool plausible(const PublicationRow& row) noexcept {
  if (row.kind > MediaKind::video || row.codec > Codec::av1 || row.forward > 1 || row.layer_count > live_layers_max)
    return false;
  for (const LayerRow& layer : row.layers) {
    if (layer.active > 1) return false;
  }
  return true;
}

bool plausible(const SubscriptionRow& row) noexcept {
  const auto is_layer = [](std::uint8_t layer) { return layer < live_layers_max || layer == no_layer; };
  return is_layer(row.current_layer) && is_layer(row.target_layer) && row.loss_per_mille <= 1000 && row.active <= 1;
}

}  // namespace sluice
