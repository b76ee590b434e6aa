#include "control/signaling/wrtcsignal/wrtc_demo.hpp"

#include <algorithm>

#include "control/json/json_writer.hpp"

namespace sluice {
namespace {

std::string_view type_of(std::string_view path) {
  if (path.ends_with(".html")) return "text/html; charset=utf-8";
  if (path.ends_with(".svg")) return "image/svg+xml";
  return path.ends_with(".css") ? "text/css; charset=utf-8" : "text/javascript; charset=utf-8";
}

}  // namespace

WrtcDemo::WrtcDemo(std::string_view ice_servers, std::string_view token) {
  JsonWriter env;
  env.raw("iceConfig", JsonWriter().raw("iceServers", ice_servers).finish());
  if (!token.empty()) env.string("token", token);
  config_ = "window.env = " + env.finish() + ";\n";
}

bool WrtcDemo::claims(std::string_view path) noexcept {
  return path == "/demo" || path.starts_with("/scripts/") || path.starts_with("/css/");
}

std::optional<WrtcDemo::File> WrtcDemo::find(std::string_view path) const {
  if (path == "/scripts/config.js") return File{type_of(path), config_, ""};
  if (path == "/demo") path = "/demo.html";
  const auto files = wrtc_demo_files();
  const auto found = std::find_if(files.begin(), files.end(), [&](const WrtcDemoFile& file) { return file.path == path; });
  if (found == files.end()) return std::nullopt;
  return File{type_of(path), std::string(found->content), "\"" + std::string(found->tag) + "\""};
}

}  // namespace sluice
