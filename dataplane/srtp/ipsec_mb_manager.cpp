#if SLUICE_IPSEC_MB
#include "dataplane/srtp/ipsec_mb_manager.hpp"

#include <openssl/crypto.h>

#include <cstdlib>

namespace sluice {
namespace {

constexpr bool has_all(std::uint64_t features, std::uint64_t wanted) noexcept {
  return (features & wanted) == wanted;
}

InstructionSet best_of(std::uint64_t features) noexcept {
  if (has_all(features, IMB_CPUFLAGS_AVX512)) return InstructionSet::avx512;
  if (has_all(features, IMB_CPUFLAGS_AVX2)) return InstructionSet::avx2;
  if (has_all(features, IMB_CPUFLAGS_AVX)) return InstructionSet::avx;
  return InstructionSet::sse;
}

}  // namespace

std::unique_ptr<IpsecMbManager> IpsecMbManager::open(InstructionSet wanted) {
  std::unique_ptr<IpsecMbManager> manager(new IpsecMbManager);
  constexpr std::size_t cache_line = 64;
  manager->size_ = (imb_get_mb_mgr_size() + cache_line - 1) / cache_line * cache_line;
  void* const memory = std::aligned_alloc(cache_line, manager->size_);
  if (memory == nullptr) return nullptr;
  manager->manager_ = imb_set_pointers_mb_mgr(memory, 0, 1);
  if (manager->manager_ == nullptr) {
    std::free(memory);
    return nullptr;
  }
  return manager->init(wanted) ? std::move(manager) : nullptr;
}

bool IpsecMbManager::init(InstructionSet wanted) {
  const std::uint64_t features = manager_->features;
  if (!has_all(features, IMB_CPUFLAGS_SSE)) return false;  // AES-NI and PCLMULQDQ: without, OpenSSL is the better choice
  if (wanted == InstructionSet::best) wanted = best_of(features);
  switch (wanted) {
    case InstructionSet::avx512:
      if (!has_all(features, IMB_CPUFLAGS_AVX512)) return false;
      init_mb_mgr_avx512(manager_);
      name_ = has_all(features, IMB_CPUFLAGS_AVX512_T2) ? "ipsec-mb/avx512-vaes" : "ipsec-mb/avx512";
      hash_lanes_ = 16;
      break;
    case InstructionSet::avx2:
      if (!has_all(features, IMB_CPUFLAGS_AVX2)) return false;
      init_mb_mgr_avx2(manager_);
      name_ = "ipsec-mb/avx2";
      hash_lanes_ = 8;
      break;
    case InstructionSet::avx:
      if (!has_all(features, IMB_CPUFLAGS_AVX)) return false;
      init_mb_mgr_avx(manager_);
      name_ = "ipsec-mb/avx";
      hash_lanes_ = 4;
      break;
    case InstructionSet::sse:
    case InstructionSet::best:
      init_mb_mgr_sse(manager_);
      name_ = "ipsec-mb/sse";
      hash_lanes_ = 4;
      break;
  }
  return (manager_->features & IMB_FEATURE_SELF_TEST) == 0 || (manager_->features & IMB_FEATURE_SELF_TEST_PASS) != 0;
}

IpsecMbManager::~IpsecMbManager() {
  if (manager_ == nullptr) return;
  OPENSSL_cleanse(manager_, size_);
  std::free(manager_);
}

}  // namespace sluice
#endif
