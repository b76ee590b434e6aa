#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shm/types/result.hpp"

namespace sluice {

/// Why an operation did nothing. `message` is one sentence for the caller.
struct OperationError {
  enum class Kind : std::uint8_t {
    invalid_params,  // HTTP 400, JSON-RPC -32602
    not_found,       // 404
    refused,         // 403: allowed in general, not here and now
    unavailable,     // 503: the module is not attached, or cannot work now
    internal,        // 500
  };
  Kind kind = Kind::internal;
  std::string message;
};

using OperationResult = Result<nlohmann::json, OperationError>;

/// Answers one call, at once or later, once; further calls do nothing. Copies share the one answer. If all copies go without
/// an answer, the caller hears `internal`.
class OperationReply {
 public:
  using Function = std::function<void(OperationResult)>;
  explicit OperationReply(Function answer);
  void operator()(OperationResult result) const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

/// Who asks: for the audit log, and for what only some may do.
struct OperationCaller {
  std::string origin;  // "http", "control-socket", "dashboard", "internal"
  std::string name;    // of the user or address, as far as known
};

/// One thing that can be asked of the server, whatever the way in: governance API, control socket, CLI, dashboard.
struct Operation {
  using Handler = std::function<void(const nlohmann::json& params, const OperationCaller& caller, OperationReply reply)>;
  struct Parameter {
    std::string name;
    std::string type;  // "string", "integer", "number", "boolean", "array", "object", "any"
    bool required = false;
    std::string text;
  };
  std::string name;     // "moderation.mute": area.verb
  std::string summary;  // one line
  std::vector<Parameter> parameters;
  std::string result;  // what the answer holds, one line
  Handler handler;
};

/// All operations of this server, each registered once by the part that it belongs to. Not thread-safe.
class Operations {
 public:
  /// A name twice is our own mistake: std::logic_error.
  void add(Operation operation);
  /// Checks that `params` is an object (or null, taken as one without members) with the required parameters in their types,
  /// then calls the handler. An unknown name: not_found.
  void call(std::string_view name, const nlohmann::json& params, const OperationCaller& caller, OperationReply reply) const;

  /// Asked before a successful answer of an operation that changes who may do what (is_security_action()) is given: the
  /// audit log takes it down and says when that is certain. False: the caller hears `unavailable`, although it was done.
  using Gate = std::function<void(const Operation& operation, const nlohmann::json& params, const OperationCaller& caller,
                                  std::function<void(bool certain)> done)>;
  void set_gate(Gate gate) { gate_ = std::move(gate); }
  /// By its area: bans, moderation, peers, rooms, consent, policy, sessions, retention ... unless it only looks.
  [[nodiscard]] static bool is_security_action(std::string_view name) noexcept;
  /// Whether a method asks without changing anything, by its verb; one that is not known to does not.
  [[nodiscard]] static bool only_looks(std::string_view name) noexcept;

  [[nodiscard]] const Operation* find(std::string_view name) const;
  /// By name.
  [[nodiscard]] const std::map<std::string, Operation, std::less<>>& all() const noexcept { return operations_; }

 private:
  std::map<std::string, Operation, std::less<>> operations_;
  Gate gate_;
};

}  // namespace sluice
