#include "control/embedding/rpc_client.hpp"

#include <algorithm>
#include <utility>

namespace sluice::embedding {

using nlohmann::json;

namespace {

std::string line_of(const json& message) {
  return message.dump(-1, ' ', false, json::error_handler_t::replace);
}

json answer_to(const json& id) {
  return {{"jsonrpc", "2.0"}, {"id", id}};
}

std::uint64_t whole_number(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

}  // namespace

RpcClient::RpcClient(Listener listener, RpcClientOptions options) : listener_(std::move(listener)), options_(options) {}

void RpcClient::connected() {
  if (state_ != State::offline) return;
  state_ = State::setting_up;
  ++connection_;
}

void RpcClient::set_up() {
  if (state_ != State::setting_up) return;
  state_ = State::ready;
  for (auto& [id, call] : pending_) {
    if (!call.line.empty()) outgoing_.push_back(std::exchange(call.line, {}));
  }
}

void RpcClient::disconnected() {
  if (state_ == State::closed) return;
  state_ = State::offline;
  outgoing_.clear();
  std::map<std::uint64_t, Pending> sent;
  for (auto at = pending_.begin(); at != pending_.end();) {
    const auto next = std::next(at);
    if (at->second.line.empty()) sent.insert(pending_.extract(at));
    at = next;
  }
  fail(std::move(sent), {CallFailure::Kind::disconnected, 0, "The connection to the server ended before it answered."});
}

void RpcClient::close() {
  state_ = State::closed;
  outgoing_.clear();
  fail(std::exchange(pending_, {}), {CallFailure::Kind::closed, 0, "The server object was closed."});
}

void RpcClient::fail(std::map<std::uint64_t, Pending> failed, const CallFailure& why) {
  for (auto& [id, call] : failed) call.reply(unexpected(why));
}

void RpcClient::add(const std::string& method, json params, TimePoint deadline, CallReply reply, Manner manner) {
  if (state_ == State::closed) {
    reply(unexpected(CallFailure{CallFailure::Kind::closed, 0, "The server object was closed."}));
    return;
  }
  if (!manner.is_setup && pending_.size() >= options_.calls_max) {
    reply(unexpected(CallFailure{CallFailure::Kind::too_many, 0, "Too many calls are under way."}));
    return;
  }
  const std::uint64_t id = ++last_id_;
  json message{{"jsonrpc", "2.0"}, {"id", id}, {"method", method}};
  if (!params.is_null()) message["params"] = std::move(params);
  std::string line = line_of(message);
  if (manner.now) {
    outgoing_.push_back(std::move(line));
    line.clear();
  }
  pending_.emplace(id, Pending{deadline, std::move(reply), std::move(line)});
}

void RpcClient::call(const std::string& method, json params, TimePoint deadline, CallReply reply) {
  add(method, std::move(params), deadline, std::move(reply), {.now = state_ == State::ready, .is_setup = false});
}

void RpcClient::setup_call(const std::string& method, json params, TimePoint deadline, CallReply reply) {
  add(method, std::move(params), deadline, std::move(reply),
      {.now = state_ == State::setting_up || state_ == State::ready, .is_setup = true});
}

void RpcClient::receive(std::string_view line) {
  if (state_ == State::offline || state_ == State::closed) return;
  json message = json::parse(line, nullptr, false);
  if (!message.is_object()) {
    ++bad_lines_;
    return;
  }
  const auto method = message.find("method");
  if (method == message.end()) return take_answer(message);
  if (!method->is_string()) {
    ++bad_lines_;
    return;
  }
  take_request(message);
}

void RpcClient::take_answer(const json& message) {
  const auto id = message.find("id");
  const auto found =
      id != message.end() && id->is_number_unsigned() ? pending_.find(id->get<std::uint64_t>()) : pending_.end();
  if (found == pending_.end() || !found->second.line.empty()) {
    ++bad_lines_;  // or it came after its deadline
    return;
  }
  const CallReply reply = std::move(found->second.reply);
  pending_.erase(found);
  if (const auto result = message.find("result"); result != message.end()) return reply(*result);
  CallFailure failure{CallFailure::Kind::answered, 0, "The server answered with neither result nor error."};
  if (const auto error = message.find("error"); error != message.end() && error->is_object()) {
    if (const auto code = error->find("code"); code != error->end() && code->is_number_integer())
      failure.code = code->get<int>();
    if (const auto text = error->find("message"); text != error->end() && text->is_string())
      failure.message = text->get<std::string>();
  }
  reply(unexpected(failure));
}

void RpcClient::take_request(json& message) {
  const std::string method = message["method"].get<std::string>();
  json params = json::object();
  if (const auto given = message.find("params"); given != message.end()) params = std::move(*given);
  if (method == "event") {
    const auto name = params.is_object() ? params.find("event") : params.end();
    const auto data = params.is_object() ? params.find("data") : params.end();
    if (!params.is_object() || name == params.end() || !name->is_string() || data == params.end()) {
      ++bad_lines_;
      return;
    }
    const std::uint64_t number = whole_number(params, "number");
    return listener_.on_event(name->get<std::string>(), std::move(*data), number);
  }
  if (method == "events.dropped" && params.is_object()) return listener_.on_events_dropped(whole_number(params, "count"));
  constexpr std::string_view hook = "hook.";
  const auto id = message.find("id");
  if (method.rfind(hook, 0) != 0 || id == message.end()) {
    ++bad_lines_;
    return;
  }
  listener_.on_question({method.substr(hook.size()), std::move(params), *id, connection_});
}

void RpcClient::respond(const Question& question, json message) {
  if (question.connection != connection_ || state_ == State::offline || state_ == State::closed) return;
  outgoing_.push_back(line_of(message));
}

void RpcClient::answer(const Question& question, json result) {
  json message = answer_to(question.id);
  message["result"] = std::move(result);
  respond(question, std::move(message));
}

void RpcClient::refuse(const Question& question, const std::string& message) {
  json answer = answer_to(question.id);
  answer["error"] = {{"code", -32000}, {"message", message}};
  respond(question, std::move(answer));
}

void RpcClient::handle_timeout(TimePoint now) {
  std::map<std::uint64_t, Pending> late;
  for (auto at = pending_.begin(); at != pending_.end();) {
    const auto next = std::next(at);
    if (at->second.deadline <= now) late.insert(pending_.extract(at));
    at = next;
  }
  fail(std::move(late), {CallFailure::Kind::timed_out, 0, "The server did not answer in time."});
}

TimePoint RpcClient::next_deadline() const {
  TimePoint next = never;
  for (const auto& [id, call] : pending_) next = std::min(next, call.deadline);
  return next;
}

std::optional<std::string> RpcClient::poll_line() {
  if (outgoing_.empty()) return std::nullopt;
  std::string line = std::move(outgoing_.front());
  outgoing_.pop_front();
  return line;
}

}  // namespace sluice::embedding
