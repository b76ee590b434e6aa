#include "control/api/rpc_session.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "control/api/event_catalog.hpp"
#include "control/api/room_json.hpp"

namespace sluice {

using nlohmann::json;

namespace {

using Parameter = Operation::Parameter;

/// ApiAccessed::status of a call that was done.
constexpr int done_status = 200;

OperationError invalid(std::string message) {
  return {OperationError::Kind::invalid_params, std::move(message)};
}

/// A list of texts of at most `most`; nothing when it is something else.
std::optional<std::vector<std::string>> texts(const json& params, const char* name, std::size_t most) {
  std::vector<std::string> result;
  const auto found = params.find(name);
  if (found == params.end() || found->is_null()) return result;
  if (!found->is_array() || found->size() > most) return std::nullopt;
  for (const json& item : *found) {
    if (!item.is_string()) return std::nullopt;
    result.push_back(item.get<std::string>());
  }
  return result;
}

/// The room that an event is about, wherever its data says so.
const std::string* room_of(const json& data) {
  if (!data.is_object()) return nullptr;
  if (const auto id = data.find("roomId"); id != data.end() && id->is_string()) return id->get_ptr<const std::string*>();
  for (const auto& [holder, member] : {std::pair{"room", "id"}, std::pair{"peer", "roomId"}}) {
    const auto object = data.find(holder);
    if (object == data.end() || !object->is_object()) continue;
    if (const auto id = object->find(member); id != object->end() && id->is_string())
      return id->get_ptr<const std::string*>();
  }
  return nullptr;
}

json catalog_json(std::span<const CatalogEntry> entries) {
  json list = json::array();
  for (const CatalogEntry& entry : entries)
    list.push_back({{"name", entry.name}, {"data", entry.data}, {"summary", entry.text}});
  return list;
}

json method_json(const Operation& operation) {
  json parameters = json::array();
  for (const Parameter& parameter : operation.parameters) {
    parameters.push_back(
        {{"name", parameter.name}, {"type", parameter.type}, {"required", parameter.required}, {"summary", parameter.text}});
  }
  return {{"name", operation.name}, {"summary", operation.summary}, {"params", parameters}, {"result", operation.result}};
}

}  // namespace

/// The answers to one line, until they are all there.
struct RpcSession::Batch {
  bool is_batch = false;
  std::size_t open = 0;  // answers that are still to come
  json answers = json::array();
};

std::span<const Operation> RpcSession::own_methods() {
  static const std::vector<Operation> methods{
      {"events.subscribe",
       "Sends events as notifications `event {subscription, event, number, data}` from now on",
       {{"events", "array", false, "names of events"},
        {"patterns", "array", false,
         "names with *, such as \"peer:*\"; neither names nor patterns: all but what members send each other"},
        {"rooms", "array", false, "only events about these rooms"}},
       "{subscription}",
       {}},
      {"events.unsubscribe",
       "Ends a subscription",
       {{"subscription", "integer", true, "from events.subscribe"}},
       "{subscription, dropped}",
       {}},
      {"hooks.register",
       "From now on this connection is asked: requests `hook.NAME` come to it, to be answered within 5 s",
       {{"hooks", "array", true, "names of hooks"}},
       "{hooks}: all that this connection answers for by the call",
       {}},
      {"hooks.unregister", "No longer asked", {{"hooks", "array", true, "names of hooks"}}, "{hooks}", {}},
      {"rpc.discover", "Everything that can be asked here", {}, "{server, version, methods, events, hooks}", {}},
      {"rpc.ping", "Does nothing", {}, "{pong: true}", {}},
  };
  return methods;
}

RpcSession::RpcSession(RpcServices services, RpcSink& sink, OperationCaller caller, RpcLimits limits)
    : services_(services), sink_(sink), caller_(std::move(caller)), limits_(limits) {}

RpcSession::~RpcSession() {
  *alive_ = false;
  attachments_.clear();
  for (auto& [id, answer] : std::exchange(asked_, {})) answer(unexpected(std::string("The hook's client went away.")));
}

void RpcSession::receive(std::string_view line) {
  if (closed_) return;
  Result<RpcLine, RpcCode> read = read_rpc_line(line, limits_.batch_max);
  if (!read) {
    const bool is_json = read.error() == RpcCode::invalid_request;
    return write(rpc_error(nullptr, read.error(), is_json ? "The batch is empty or too large." : "That is no JSON."));
  }
  auto batch = std::make_shared<Batch>();
  batch->is_batch = read->is_batch;
  for (const RpcItem& item : read->items) {
    const auto* request = std::get_if<RpcRequest>(&item);
    if ((request != nullptr && request->id) || std::holds_alternative<RpcInvalid>(item)) ++batch->open;
  }
  const std::shared_ptr<bool> alive = alive_;
  for (RpcItem& item : read->items) {
    handle(std::move(item), batch);
    if (!*alive || closed_) return;
  }
}

void RpcSession::receive_too_long() {
  write(rpc_error(nullptr, RpcCode::too_long, "The line is too long."));
}

void RpcSession::handle(RpcItem item, const std::shared_ptr<Batch>& batch) {
  if (auto* request = std::get_if<RpcRequest>(&item)) return call(std::move(*request), batch);
  if (const auto* broken = std::get_if<RpcInvalid>(&item))
    return answer(batch, rpc_error(broken->id, RpcCode::invalid_request, "That is no request of JSON-RPC 2.0."));
  auto& given = std::get<RpcAnswer>(item);
  if (!given.id.is_number_unsigned()) return;
  const auto asked = asked_.find(given.id.get<std::uint64_t>());
  if (asked == asked_.end()) return;  // too late, or nothing was asked
  const HookRegistry::Answer reply = std::move(asked->second);
  asked_.erase(asked);
  if (given.result) return reply(std::move(*given.result));
  reply(unexpected(given.error));
}

void RpcSession::call(RpcRequest request, const std::shared_ptr<Batch>& batch) {
  if (services_.statistics != nullptr) ++services_.statistics->calls;
  const bool is_notification = !request.id;
  const json id = request.id.value_or(nullptr);
  const auto tell = [this, batch, id, is_notification](OperationResult result) {
    if (!result && services_.statistics != nullptr) ++services_.statistics->errors;
    if (is_notification) return;
    answer(batch, result ? rpc_result(id, std::move(*result))
                         : rpc_error(id, rpc_code(result.error().kind), result.error().message));
  };
  const auto watched = [observer = Operations::only_looks(request.method) ? RpcServices::Observer{} : services_.observer,
                        caller = caller_, method = request.method](int status) {
    if (observer) observer(caller, method, status);
  };
  const auto status_of = [](const OperationResult& result) {
    return result ? done_status : static_cast<int>(rpc_code(result.error().kind));
  };
  bool known = false;
  if (OperationResult own = call_own(request.method, request.params, known); known) {
    watched(status_of(own));
    return tell(std::move(own));
  }
  if (services_.operations.find(request.method) == nullptr) {
    if (services_.statistics != nullptr) ++services_.statistics->errors;
    if (!is_notification)
      answer(batch, rpc_error(id, RpcCode::method_not_found, "There is no method '" + request.method + "'."));
    return;
  }
  if (calls_ >= limits_.calls_max) {
    watched(static_cast<int>(RpcCode::too_busy));
    if (!is_notification) answer(batch, rpc_error(id, RpcCode::too_busy, "Too many calls are under way."));
    return;
  }
  if (request.params.is_array() && request.params.empty()) request.params = nullptr;
  ++calls_;
  services_.operations.call(
      request.method, request.params, caller_,
      OperationReply([this, tell, watched, status_of, alive = std::weak_ptr(alive_)](OperationResult result) {
        watched(status_of(result));
        const std::shared_ptr<bool> here = alive.lock();
        if (!here || !*here) return;
        --calls_;
        tell(std::move(result));
      }));
}

void RpcSession::answer(const std::shared_ptr<Batch>& batch, json message) {
  if (!batch->is_batch) return write(message);
  batch->answers.push_back(std::move(message));
  if (--batch->open == 0) write(std::exchange(batch->answers, json()));
}

OperationResult RpcSession::call_own(const std::string& method, const json& given, bool& known) {
  const std::span<const Operation> methods = own_methods();
  known = std::any_of(methods.begin(), methods.end(), [&](const Operation& own) { return own.name == method; });
  if (!known) return json();
  if (given.is_array() && !given.empty()) return unexpected(invalid(method + " takes its parameters by name."));
  const json params = given.is_object() ? given : json::object();
  if (method == "events.subscribe") return subscribe(params);
  if (method == "events.unsubscribe") {
    const json id = params.value("subscription", json());
    const auto found = id.is_number_unsigned() ? subscriptions_.find(id.get<std::uint64_t>()) : subscriptions_.end();
    if (found == subscriptions_.end())
      return unexpected(OperationError{OperationError::Kind::not_found, "There is no such subscription."});
    json result{{"subscription", id}, {"dropped", found->second.dropped}};
    subscriptions_.erase(found);
    if (subscriptions_.empty()) listener_.reset();
    return result;
  }
  if (method == "hooks.register") return register_hooks(params, true);
  if (method == "hooks.unregister") return register_hooks(params, false);
  if (method == "rpc.ping") return json{{"pong", true}};
  return discover();
}

OperationResult RpcSession::subscribe(const json& params) {
  if (subscriptions_.size() >= limits_.subscriptions_max)
    return unexpected(OperationError{OperationError::Kind::refused, "Too many subscriptions on this connection."});
  const auto names = texts(params, "events", limits_.filter_max);
  const auto patterns = texts(params, "patterns", limits_.filter_max);
  const auto rooms = texts(params, "rooms", limits_.filter_max);
  if (!names || !patterns || !rooms)
    return unexpected(
        invalid("events, patterns and rooms are lists of at most " + std::to_string(limits_.filter_max) + " texts."));
  Subscription added;
  added.id = ++last_subscription_;
  added.names.insert(names->begin(), names->end());
  added.patterns = *patterns;
  added.rooms.insert(rooms->begin(), rooms->end());
  if (!listener_) {
    listener_ = services_.events.listen(
        [this](std::string_view event, const json& data, std::uint64_t number) { on_event(event, data, number); },
        [this](std::string_view event) {
          return std::ranges::any_of(subscriptions_,
                                     [event](const auto& entry) { return RpcSession::names(entry.second, event); });
        });
  }
  json result{{"subscription", added.id}};
  subscriptions_.emplace(added.id, std::move(added));
  return result;
}

OperationResult RpcSession::register_hooks(const json& params, bool adding) {
  if (services_.hooks == nullptr)
    return unexpected(
        OperationError{OperationError::Kind::unavailable, "Hooks are answered by clients of the control socket only."});
  const auto hooks = texts(params, "hooks", limits_.filter_max);
  if (!hooks || hooks->empty()) return unexpected(invalid("hooks is a list of names."));
  for (const std::string& hook : *hooks) {
    if (!is_hook(hook)) return unexpected(invalid("There is no hook '" + hook + "'; rpc.discover lists them."));
  }
  for (const std::string& hook : *hooks) {
    if (!adding) {
      attachments_.erase(hook);
    } else if (!attachments_.contains(hook)) {
      attachments_.emplace(hook, services_.hooks->attach(hook, [this, hook, alive = std::weak_ptr(alive_)](
                                                                   const json& request, HookRegistry::Answer answer) {
        const std::shared_ptr<bool> here = alive.lock();
        if (here && *here) ask(hook, request, std::move(answer));
      }));
    }
  }
  json registered = json::array();
  for (const auto& [hook, attachment] : attachments_) registered.push_back(hook);
  return json{{"hooks", registered}};
}

json RpcSession::discover() const {
  json methods = json::array();
  for (const Operation& own : own_methods()) methods.push_back(method_json(own));
  for (const auto& [name, operation] : services_.operations.all()) methods.push_back(method_json(operation));
  return {{"server", "sluice"},
          {"version", SLUICE_VERSION},
          {"methods", methods},
          {"events", catalog_json(event_catalog())},
          {"hooks", catalog_json(hook_catalog())}};
}

bool RpcSession::names(const Subscription& subscription, std::string_view event) {
  const bool unnamed = subscription.names.empty() && subscription.patterns.empty();
  // What members send each other is many and private.
  const bool private_event = event == "data" || event == "offer" || event == "answer" || event == "ice-candidate";
  if (unnamed) return !private_event;
  return subscription.names.contains(std::string(event)) ||
         std::any_of(subscription.patterns.begin(), subscription.patterns.end(),
                     [&](const std::string& pattern) { return matches_pattern(event, pattern); });
}

bool RpcSession::wants(const Subscription& subscription, std::string_view event, const json& data) {
  if (!names(subscription, event)) return false;
  if (subscription.rooms.empty()) return true;
  const std::string* room = room_of(data);
  return room != nullptr && subscription.rooms.contains(*room);
}

void RpcSession::on_event(std::string_view event, const json& data, std::uint64_t number) {
  for (auto& [id, subscription] : subscriptions_) {
    if (closed_) return;
    if (!wants(subscription, event, data)) continue;
    if (sink_.queued_bytes() > limits_.event_queue_bytes) {
      ++subscription.dropped;
      if (services_.statistics != nullptr) ++services_.statistics->events_dropped;
      continue;
    }
    drained();  // what was dropped comes before what follows it
    if (services_.statistics != nullptr) ++services_.statistics->events;
    write(rpc_notification("event", {{"subscription", id}, {"event", event}, {"number", number}, {"data", data}}));
  }
}

void RpcSession::drained() {
  if (closed_ || sink_.queued_bytes() > limits_.event_queue_bytes / 2) return;
  for (auto& [id, subscription] : subscriptions_) {
    if (subscription.dropped == 0) continue;
    write(rpc_notification("events.dropped", {{"subscription", id}, {"count", std::exchange(subscription.dropped, 0)}}));
  }
}

void RpcSession::ask(const std::string& hook, const json& request, HookRegistry::Answer answer) {
  if (closed_ || sink_.queued_bytes() > limits_.event_queue_bytes)
    return answer(unexpected(std::string("The hook's client does not keep up.")));
  if (asked_.size() >= limits_.calls_max) {
    // Whoever asked has long given up.
    const HookRegistry::Answer oldest = std::move(asked_.begin()->second);
    asked_.erase(asked_.begin());
    oldest(unexpected(std::string("The hook's client does not keep up.")));
  }
  const std::uint64_t id = ++last_asked_;
  asked_.emplace(id, std::move(answer));
  write(rpc_request(id, "hook." + hook, request));
}

void RpcSession::write(const json& message) {
  if (closed_) return;
  sink_.write(dump_json(message));
  if (sink_.queued_bytes() <= limits_.queue_bytes_max) return;
  closed_ = true;
  if (services_.statistics != nullptr) ++services_.statistics->slow_clients_closed;
  sink_.close();
}

}  // namespace sluice
