#pragma once

#include "shm/types/bytes.hpp"

namespace sluice {

/// Where randomness comes from: the operating system in production, a seeded generator in simulations. An implementation
/// that cannot fill the whole span must not return.
class Entropy {
 public:
  virtual ~Entropy() = default;
  virtual void fill(MutableBytes out) = 0;
};

/// getrandom(2); a failed read stops the process, because nothing that follows would be safe.
class SystemEntropy final : public Entropy {
 public:
  void fill(MutableBytes out) override;
};

}  // namespace sluice
