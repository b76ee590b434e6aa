#include "control/signaling/protoo/protoo_message.hpp"

#include <array>
#include <utility>

#include "control/json/json_writer.hpp"

namespace sluice::protoo {
namespace {

// JavaScript has no limit; what is deeper than this is no message that anybody meant.
constexpr std::size_t depth_max = 512;

enum Key : std::size_t { request, response, notification, id, method, data, ok, error_code, error_reason };
constexpr std::array<std::string_view, 9> keys = {"request", "response", "notification", "id",         "method",
                                                  "data",    "ok",       "errorCode",    "errorReason"};

bool is_true(const std::optional<JsonView>& member) {
  return member && member->truthy();
}

JsonView data_of(const std::optional<JsonView>& member) {
  return is_true(member) ? *member : empty_data();
}

}  // namespace

JsonView empty_data() {
  static const JsonView empty = *JsonView::parse("{}");
  return empty;
}

std::optional<Message> parse(std::string_view text) {
  const auto view = JsonView::parse(text, depth_max);
  if (!view || view->kind() != JsonKind::object) return std::nullopt;
  const auto member = view->pick(keys);
  const bool has_id = member[id] && member[id]->kind() == JsonKind::number;
  const bool has_method = member[method] && member[method]->kind() == JsonKind::string;
  if (is_true(member[request])) {
    if (!has_id || !has_method) return std::nullopt;
    return Request{member[id]->raw(), *member[method]->as_string(), data_of(member[data])};
  }
  if (is_true(member[response])) {
    if (!has_id) return std::nullopt;
    return Response{member[id]->raw(), is_true(member[ok]), data_of(member[data]), member[error_code], member[error_reason]};
  }
  if (is_true(member[notification]) && has_method) return Notification{*member[method]->as_string(), data_of(member[data])};
  return std::nullopt;
}

std::string request_text(std::string_view id, std::string_view method, std::string_view data) {
  return JsonWriter().boolean("request", true).raw("id", id).string("method", method).raw("data", data).finish();
}

std::string success_text(std::string_view id, std::string_view data) {
  constexpr std::string_view head = R"({"response":true,"id":)";
  constexpr std::string_view middle = R"(,"ok":true,"data":)";
  std::string text;
  text.reserve(head.size() + id.size() + middle.size() + data.size() + 1);
  text.append(head).append(id).append(middle).append(data) += '}';
  return text;
}

std::string error_text(std::string_view id, int code, std::string_view reason) {
  std::string reason_json;
  append_json_string(reason_json, reason);
  return error_text_raw(id, std::to_string(code), reason_json);
}

std::string error_text_raw(std::string_view id, std::string_view code, std::string_view reason) {
  JsonWriter out;
  out.boolean("response", true).raw("id", id).boolean("ok", false);
  if (!code.empty()) out.raw("errorCode", code);
  if (!reason.empty()) out.raw("errorReason", reason);
  return out.finish();
}

std::string said_text(std::string_view method, std::string_view peer, std::string_view data) {
  constexpr std::string_view head = R"({"notification":true,"method":)";
  constexpr std::string_view middle = R"(,"data":{"peerId":)";
  constexpr std::string_view inner = R"(,"data":)";
  std::string text;
  text.reserve(head.size() + middle.size() + inner.size() + method.size() + peer.size() + data.size() + 8);
  append_json_string(text.append(head), method);
  append_json_string(text.append(middle), peer);
  text.append(inner).append(data) += "}}";
  return text;
}

std::string notification_text(std::string_view method, std::string_view data) {
  JsonWriter out;
  return out.boolean("notification", true).string("method", method).raw("data", data).finish();
}

}  // namespace sluice::protoo
