#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "control/api/operations.hpp"
#include "control/loop/http_message.hpp"
#include "control/observability/prometheus_text.hpp"

namespace sluice {

/// What the admin API and the governance API have in common: HTTP requests as calls of operations, the secret in front of
/// them, the observer behind them.
class HttpApi {
 public:
  struct Options {
    std::string secret;             // bearer; empty: none is asked for
    std::string prefix = "/admin";  // paths work with and without it
  };
  using Reply = std::function<void(loop::HttpResponse)>;
  /// Hears of every request that was answered: for the audit log.
  using Observer = std::function<void(const loop::HttpRequest&, int status)>;
  using WriteMetrics = std::function<void(PrometheusText&)>;

  HttpApi(const HttpApi&) = delete;
  HttpApi& operator=(const HttpApi&) = delete;
  virtual ~HttpApi() = default;

  void set_observer(Observer observer) { observer_ = std::move(observer); }
  /// Served as /openapi.json.
  void set_openapi(std::string_view document) { openapi_ = document; }

  /// Answers once, at once or later.
  void handle(const loop::HttpRequest& request, const Reply& reply) const;

 protected:
  /// `operations` is borrowed for life. `secret_option` is what to set so that web pages may ask.
  HttpApi(const Operations& operations, WriteMetrics write_metrics, Options options, std::string secret_option);

  /// A request that may be answered.
  virtual void route(const loop::HttpRequest& request, const Reply& reply) const = 0;

  [[nodiscard]] const Operations& operations() const noexcept { return operations_; }
  [[nodiscard]] std::string path_of(const loop::HttpRequest& request) const;
  /// The document, if there is one.
  [[nodiscard]] std::optional<loop::HttpResponse> openapi() const;
  /// All metrics, if they are collected.
  [[nodiscard]] std::optional<loop::HttpResponse> metrics() const;

 private:
  const Operations& operations_;
  WriteMetrics write_metrics_;
  Options options_;
  std::string secret_option_;
  Observer observer_;
  std::string_view openapi_;
};

}  // namespace sluice
