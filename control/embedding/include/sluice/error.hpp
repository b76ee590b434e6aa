#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

#include <sluice/export.hpp>

namespace sluice::rooms {

/// Why a call did not do what was asked.
enum class ErrorCode : std::uint8_t {
  invalid_params,  // the server would not have it: an option of a wrong type, metadata too large ...
  not_found,       // there is no such room, peer, stream ...
  refused,         // not here and now: the admission chain said no, a capability is missing ...
  unavailable,     // the module is not attached, or cannot work now
  busy,            // more than 1,024 calls are under way
  timed_out,       // no answer within the time limit: whether it was done is unknown
  disconnected,    // the connection ended before the answer came: whether it was done is unknown
  closed,          // the Server object was closed or destroyed
  start_failed,    // `sluice serve` could not be started, or did not become ready
  internal,        // the server's own mistake
};

/// What every call of this library throws when it fails; what() is one sentence.
class SLUICE_API Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& sentence) : std::runtime_error(sentence), code_(code) {}
  ~Error() override;
  [[nodiscard]] ErrorCode code() const noexcept { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace sluice::rooms
