#include "control/embedding/call_error.hpp"

namespace sluice::rooms {

Error::~Error() = default;

}  // namespace sluice::rooms

namespace sluice::embedding {

using rooms::ErrorCode;

namespace {

/// Codes of docs/api.md.
ErrorCode code_of(int rpc_code) {
  switch (rpc_code) {
    case -32602:
      return ErrorCode::invalid_params;
    case -32001:
      return ErrorCode::not_found;
    case -32002:
      return ErrorCode::refused;
    case -32003:
    case -32601:  // the operations of a module that is not attached are not there
      return ErrorCode::unavailable;
    case -32004:
      return ErrorCode::busy;
    default:
      return ErrorCode::internal;
  }
}

}  // namespace

rooms::Error error_of(const CallFailure& failure) {
  switch (failure.kind) {
    case CallFailure::Kind::timed_out:
      return {ErrorCode::timed_out, failure.message};
    case CallFailure::Kind::disconnected:
      return {ErrorCode::disconnected, failure.message};
    case CallFailure::Kind::too_many:
      return {ErrorCode::busy, failure.message};
    case CallFailure::Kind::closed:
      return {ErrorCode::closed, failure.message};
    case CallFailure::Kind::answered:
      break;
  }
  return {code_of(failure.code), failure.message.empty() ? "The server refused." : failure.message};
}

}  // namespace sluice::embedding
