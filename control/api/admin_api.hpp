#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "control/api/operations.hpp"
#include "control/loop/http_message.hpp"
#include "control/observability/prometheus_text.hpp"

namespace sluice {

/// The admin API (contract section 36) and /metrics: HTTP requests as calls of operations.
/// A room id that holds line ends, "//", a "." or ".." between slashes, or ends like an action, is named in a path by
/// escaping it twice ("%252F"); an id that reads as given has precedence.
class AdminApi {
 public:
  struct Options {
    std::string secret;             // bearer; empty: none is asked for
    std::string prefix = "/admin";  // paths work with and without it
  };
  using Reply = std::function<void(loop::HttpResponse)>;
  /// Hears of every request that was answered: for the audit log.
  using Observer = std::function<void(const loop::HttpRequest&, int status)>;

  /// Borrowed for life. `metrics` writes /metrics.
  AdminApi(const Operations& operations, std::function<void(PrometheusText&)> metrics, Options options);

  void set_observer(Observer observer) { observer_ = std::move(observer); }
  /// Served as /openapi.json.
  void set_openapi(std::string_view document) { openapi_ = document; }

  /// Answers once, at once or later.
  void handle(const loop::HttpRequest& request, const Reply& reply) const;
  /// For requests that are answered at once, as all of today's are; 503 for one that is not.
  [[nodiscard]] loop::HttpResponse handle(const loop::HttpRequest& request) const;

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
  [[nodiscard]] Meaning meaning_of(const loop::HttpRequest& request) const;
  [[nodiscard]] Meaning room_request(const loop::HttpRequest& request, const std::string& rest) const;
  [[nodiscard]] std::string room_named(const std::string& id) const;

  const Operations& operations_;
  std::function<void(PrometheusText&)> metrics_;
  Options options_;
  Observer observer_;
  std::string_view openapi_;
};

}  // namespace sluice
