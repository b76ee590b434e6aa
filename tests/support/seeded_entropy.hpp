#pragma once

#include <cstdint>

#include "shm/types/entropy.hpp"

namespace sluice::test {

/// Different at each draw, the same in each run.
class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed = 7) : state_(seed) {}
  void fill(MutableBytes out) override {
    for (std::byte& b : out) {
      state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;  // Knuth's MMIX
      b = static_cast<std::byte>(state_ >> 56U);
    }
  }

 private:
  std::uint64_t state_;
};

}  // namespace sluice::test
