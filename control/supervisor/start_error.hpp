#pragma once

#include <stdexcept>

namespace sluice::supervisor {

/// The server cannot start: what() is one sentence for the person who typed the command, saying what to do.
class StartError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace sluice::supervisor
