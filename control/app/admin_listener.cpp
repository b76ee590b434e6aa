#include "control/app/admin_listener.hpp"

#include <utility>

#include "control/api/api_observer.hpp"
#include "control/api/openapi_files.hpp"

namespace sluice::app {

AdminListener::AdminListener(const Operations& operations, HttpApi::WriteMetrics write_metrics,
                             const config::AdminApiConfig& config, Bus& bus, loop::Routes& routes, loop::WebServer& web)
    : api_(operations, std::move(write_metrics), {config.secret, config.prefix}) {
  api_.set_observer(api_observer(bus, "admin"));
  api_.set_openapi(openapi_document("admin"));
  routes.add(*this);  // the last one: it claims everything
  loop::ListenerConfig listener;
  listener.name = "admin";
  listener.routes = &routes;
  listener.host = config.host == "localhost" ? "127.0.0.1" : config.host;
  listener.port = config.port;
  port_ = web.listen(std::move(listener));
}

}  // namespace sluice::app
