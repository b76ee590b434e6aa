#include "control/hooks/http_hook.hpp"

#include <utility>

#include "control/crypto/encoding.hpp"
#include "control/crypto/mac.hpp"
#include "control/json/json_view.hpp"
#include "control/rooms/random_id.hpp"

namespace sluice {
namespace {

HookResult answer_of(const HttpOutcome& outcome, bool only_told) {
  if (!outcome) return unexpected(HookFailure{"the hook cannot be reached: " + outcome.error().message});
  if (!outcome->success()) {
    return unexpected(HookFailure{"the hook answered with status " + std::to_string(outcome->status)});
  }
  if (only_told) return nlohmann::json::object();
  // Bounded in depth before a tree is made of it.
  const auto view = JsonView::parse(outcome->body);
  if (!view) return unexpected(HookFailure{"the hook's answer is not JSON"});
  auto tree = nlohmann::json::parse(view->well_formed(), nullptr, false);
  if (tree.is_discarded()) return unexpected(HookFailure{"the hook's answer is not JSON"});
  return tree;
}

}  // namespace

Hooks::Provider http_hook(HttpCaller& http, Entropy& entropy, std::function<std::int64_t()> unix_ms,
                          HttpHookOptions options) {
  return [&http, &entropy, unix_ms = std::move(unix_ms), options = std::move(options)](const nlohmann::json& request,
                                                                                       const HookReply& reply) {
    HttpCall call;
    call.url = options.url;
    call.body = request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    const std::string timestamp = std::to_string(unix_ms());
    const std::string id = random_uuid(entropy);
    call.headers = {
        {"Content-Type", "application/json"}, {"X-Webrtc-Rooms-Timestamp", timestamp}, {"X-Webrtc-Rooms-Id", id}};
    if (!options.secret.empty()) {
      const auto signature = hmac_sha256(options.secret, timestamp + "." + id + "." + call.body);
      call.headers.emplace_back("X-Webrtc-Rooms-Signature", "sha256=" + hex(signature));
    }
    http.call(std::move(call),
              [reply, told = options.only_told](const HttpOutcome& outcome) { reply(answer_of(outcome, told)); });
  };
}

}  // namespace sluice
