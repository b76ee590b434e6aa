#include "control/api/api_observer.hpp"

#include <string_view>
#include <utility>

#include "control/api/facts.hpp"

namespace sluice {

namespace {

std::string_view name_of(loop::HttpMethod method) {
  switch (method) {
    case loop::HttpMethod::get:
      return "GET";
    case loop::HttpMethod::head:
      return "HEAD";
    case loop::HttpMethod::post:
      return "POST";
    case loop::HttpMethod::put:
      return "PUT";
    case loop::HttpMethod::patch:
      return "PATCH";
    case loop::HttpMethod::del:
      return "DELETE";
    case loop::HttpMethod::options:
      return "OPTIONS";
    case loop::HttpMethod::other:
      break;
  }
  return "other";
}

}  // namespace

std::function<void(const loop::HttpRequest&, int)> api_observer(Bus& bus, std::string api) {
  return [&bus, api = std::move(api)](const loop::HttpRequest& request, int status) {
    bus.publish(ApiAccessed{api, std::string(name_of(request.method)), request.path, status, request.remote_ip});
  };
}

RpcServices::Observer rpc_observer(Bus& bus) {
  return [&bus](const OperationCaller& caller, const std::string& method, int status) {
    bus.publish(ApiAccessed{caller.origin, method, {}, status, caller.name});
  };
}

}  // namespace sluice
