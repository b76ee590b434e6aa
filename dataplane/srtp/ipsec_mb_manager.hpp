#pragma once

#include <intel-ipsec-mb.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "dataplane/srtp/ipsec_mb_backend.hpp"

namespace sluice {

/// The library's table of functions for one instruction set, and the lanes in which it hashes. Wipes itself: the lanes keep
/// hash states. Only for the ipsec_mb files, and only where the library is.
class IpsecMbManager {
 public:
  /// Null as open_ipsec_mb_backend() says.
  [[nodiscard]] static std::unique_ptr<IpsecMbManager> open(InstructionSet wanted);
  IpsecMbManager(const IpsecMbManager&) = delete;
  IpsecMbManager& operator=(const IpsecMbManager&) = delete;
  ~IpsecMbManager();

  [[nodiscard]] IMB_MGR* get() const noexcept { return manager_; }
  [[nodiscard]] IMB_MGR* operator->() const noexcept { return manager_; }
  [[nodiscard]] std::string_view name() const noexcept { return name_; }
  /// How many HMAC-SHA1 it computes side by side.
  [[nodiscard]] std::size_t hash_lanes() const noexcept { return hash_lanes_; }

 private:
  IpsecMbManager() = default;
  [[nodiscard]] bool init(InstructionSet wanted);

  IMB_MGR* manager_ = nullptr;
  std::size_t size_ = 0;
  std::string_view name_;
  std::size_t hash_lanes_ = 0;
};

}  // namespace sluice
