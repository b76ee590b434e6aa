#include "control/api/operations.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace sluice {

using nlohmann::json;

namespace {

bool has_type(const json& value, std::string_view type) {
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  return true;
}

/// Why `params` do not fit, or an empty text.
std::string complaint(const Operation& operation, const json& params) {
  for (const Operation::Parameter& parameter : operation.parameters) {
    const auto given = params.find(parameter.name);
    if (given == params.end() || given->is_null()) {
      if (parameter.required) return operation.name + " needs '" + parameter.name + "' (" + parameter.type + ").";
    } else if (!has_type(*given, parameter.type)) {
      return "'" + parameter.name + "' of " + operation.name + " must be of type " + parameter.type + ".";
    }
  }
  return {};
}

}  // namespace

struct OperationReply::Shared {
  explicit Shared(Function function) : answer(std::move(function)) {}
  ~Shared() {
    if (answer) answer(tl::unexpected(OperationError{OperationError::Kind::internal, "The operation gave no answer."}));
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  Function answer;
};

OperationReply::OperationReply(Function answer) : shared_(std::make_shared<Shared>(std::move(answer))) {}

void OperationReply::operator()(OperationResult result) const {
  if (auto answer = std::exchange(shared_->answer, nullptr)) answer(std::move(result));
}

void Operations::add(Operation operation) {
  const std::string name = operation.name;
  if (!operations_.emplace(name, std::move(operation)).second)
    throw std::logic_error("the operation " + name + " is registered twice");
}

bool Operations::is_security_action(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 9> areas{"bans",   "moderation", "peers",     "rooms", "consent",
                                                  "policy", "sessions",   "retention", "tokens"};
  constexpr std::array<std::string_view, 14> looks{"broadcast", "send",     "list",   "get",   "stats",
                                                   "query",     "records",  "log",    "state", "expiring",
                                                   "search",    "snapshot", "verify", "status"};
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos) return false;
  const auto is_one_of = [](std::string_view word, const auto& words) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  return is_one_of(name.substr(0, dot), areas) && !is_one_of(name.substr(dot + 1), looks);
}

bool Operations::only_looks(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 36> verbs{
      "all",      "bans",      "breaches",   "checkpoint", "consumers", "deadLetters", "discover",  "drainState",  "events",
      "expiring", "export",    "get",        "getCaps",    "health",    "isEnabled",   "keys",      "list",        "log",
      "ping",     "producers", "prometheus", "query",      "recent",    "records",     "resolve",   "room",        "search",
      "slo",      "snapshot",  "state",      "stats",      "status",    "streams",     "subscribe", "unsubscribe", "verify"};
  return std::find(verbs.begin(), verbs.end(), name.substr(name.find('.') + 1)) != verbs.end();  // npos + 1 is 0
}

const Operation* Operations::find(std::string_view name) const {
  const auto found = operations_.find(name);
  return found == operations_.end() ? nullptr : &found->second;
}

void Operations::call(std::string_view name, const json& params, const OperationCaller& caller, OperationReply reply) const {
  const Operation* operation = find(name);
  if (operation == nullptr)
    return reply(
        tl::unexpected(OperationError{OperationError::Kind::not_found, "There is no method '" + std::string(name) + "'."}));
  json object = params.is_null() ? json::object() : params;
  if (!object.is_object())
    return reply(tl::unexpected(
        OperationError{OperationError::Kind::invalid_params, operation->name + " takes its parameters by name."}));
  if (std::string why = complaint(*operation, object); !why.empty())
    return reply(tl::unexpected(OperationError{OperationError::Kind::invalid_params, std::move(why)}));
  // null means "not given" to clients that always write every member, so to handlers it is not there.
  for (const Operation::Parameter& parameter : operation->parameters) {
    if (const auto at = object.find(parameter.name); at != object.end() && at->is_null() && !has_type(*at, parameter.type))
      object.erase(at);
  }
  if (!gate_ || !is_security_action(name)) return operation->handler(object, caller, std::move(reply));
  operation->handler(object, caller, OperationReply([this, operation, object, caller, reply](OperationResult result) {
                       if (!result) return reply(std::move(result));
                       gate_(*operation, object, caller, [reply, result](bool certain) {
                         if (certain) return reply(result);
                         reply(tl::unexpected(OperationError{OperationError::Kind::unavailable,
                                                             "It was done, but the audit log cannot take it down."}));
                       });
                     }));
}

}  // namespace sluice
