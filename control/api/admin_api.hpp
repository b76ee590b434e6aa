#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "control/api/upkeep.hpp"
#include "control/loop/http_message.hpp"
#include "control/observability/room_metrics.hpp"
#include "control/observability/worker_metrics.hpp"
#include "control/rooms/rooms.hpp"

namespace sluice {

/// The admin API (contract section 36) and /metrics, as a function from request to response. Pure but for what it is given.
/// A room id that holds line ends, "//", a "." or ".." between slashes, or ends like an action, is named in a path by
/// escaping it twice ("%252F"); an id that reads as given has precedence.
class AdminApi {
 public:
  struct Options {
    std::string secret;             // bearer; empty: none is asked for
    std::string prefix = "/admin";  // paths work with and without it
  };
  struct Clocks {
    std::function<TimePoint()> now;
    std::function<std::int64_t()> unix_ms;
  };

  AdminApi(Rooms& rooms, const RoomMetrics& metrics, std::vector<WorkerView> workers, Options options, Clocks clocks);

  /// Borrowed for life. Without it, workers and drain are not found.
  void set_upkeep(Upkeep& upkeep) { upkeep_ = &upkeep; }

  /// Writes further families to /metrics.
  void set_collectors(std::function<void(PrometheusText&)> collect) { collect_ = std::move(collect); }

  [[nodiscard]] loop::HttpResponse handle(const loop::HttpRequest& request);

 private:
  [[nodiscard]] loop::HttpResponse health() const;
  [[nodiscard]] loop::HttpResponse stats() const;
  [[nodiscard]] loop::HttpResponse metrics() const;
  [[nodiscard]] RoomId room_named(const std::string& id) const;
  [[nodiscard]] loop::HttpResponse rooms_collection(const loop::HttpRequest& request);
  [[nodiscard]] loop::HttpResponse one_room(const loop::HttpRequest& request, const RoomId& id, const std::string& action);
  [[nodiscard]] loop::HttpResponse peers(const loop::HttpRequest& request, const std::string& id);

  [[nodiscard]] loop::HttpResponse migrate(const RoomId& room, const std::string& body);
  [[nodiscard]] loop::HttpResponse workers(const loop::HttpRequest& request, const std::string& path);
  [[nodiscard]] loop::HttpResponse drain(const loop::HttpRequest& request);

  Rooms& rooms_;
  const RoomMetrics& metrics_;
  std::vector<WorkerView> workers_;
  Options options_;
  Clocks clocks_;
  TimePoint started_;
  Upkeep* upkeep_ = nullptr;
  std::function<void(PrometheusText&)> collect_;
};

}  // namespace sluice
