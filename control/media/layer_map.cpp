#include "control/media/layer_map.hpp"

#include <algorithm>

namespace sluice::media {

std::vector<std::string> order_rids(const std::vector<std::string>& names, const std::vector<std::string>& rids) {
  return names.size() == rids.size() && std::is_permutation(names.begin(), names.end(), rids.begin()) ? names : rids;
}

std::uint8_t worker_layer(std::uint8_t ceiling, const std::vector<std::string>& names) {
  // Also for fewer names than rids: who asks for the best that it knows of is not to be held below the best there is.
  return ceiling + std::size_t{1} >= names.size() ? workers::SubscriptionSpec::every_layer : ceiling;
}

std::uint8_t name_index(std::uint8_t layer, const std::vector<std::string>& names) {
  return names.empty() ? layer : static_cast<std::uint8_t>(std::min<std::size_t>(layer, names.size() - 1));
}

}  // namespace sluice::media
