#pragma once

#include <string>

/// What happens at the APIs, as facts on the bus.
namespace sluice {

/// Somebody asked an API of the operator's for something and was answered; refusals (401) as well. For the audit log
/// (contract section 25).
struct ApiAccessed {
  std::string api;     // "admin", "governance", "control-socket", "dashboard"
  std::string method;  // of HTTP, or of JSON-RPC
  std::string path;    // of HTTP, without the query; else empty
  int status = 0;      // of HTTP; over JSON-RPC 200, or the error's code
  std::string caller;  // address, or uid
};

}  // namespace sluice
