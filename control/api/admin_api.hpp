#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "control/api/http_api.hpp"

namespace sluice {

/// The admin API (contract section 36) and /metrics: HTTP requests as calls of operations.
/// A room id that holds line ends, "//", a "." or ".." between slashes, or ends like an action, is named in a path by
/// escaping it twice ("%252F"); an id that reads as given has precedence.
class AdminApi final : public HttpApi {
 public:
  /// Borrowed for life. `write_metrics` is /metrics.
  AdminApi(const Operations& operations, WriteMetrics write_metrics, Options options);

 private:
  struct Call {
    std::string operation;
    nlohmann::json params = nlohmann::json::object();
    int status = 200;
  };
  /// What a request means; an answer when that is known already.
  struct Meaning {
    std::optional<loop::HttpResponse> answer;
    Call call;
  };
  void route(const loop::HttpRequest& request, const Reply& reply) const override;
  [[nodiscard]] Meaning meaning_of(const loop::HttpRequest& request) const;
  [[nodiscard]] Meaning room_request(const loop::HttpRequest& request, const std::string& rest) const;
  [[nodiscard]] std::string room_named(const std::string& id) const;
};

}  // namespace sluice
