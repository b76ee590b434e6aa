#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace sluice {

/// One file of the demo page, as it was when the server was built.
struct WrtcDemoFile {
  std::string_view path;  // "/demo.html", "/scripts/demo.js"
  std::string_view tag;   // changes with the content
  std::string_view content;
};
[[nodiscard]] std::span<const WrtcDemoFile> wrtc_demo_files() noexcept;

/// The demo page of wrtc-signal (contract wrtc-signal.md section 9): `/demo`, and what it loads from `/scripts` and `/css`.
/// Of these, `/scripts/config.js` is the operator's.
class WrtcDemo {
 public:
  struct File {
    std::string_view content_type;
    std::string content;
    std::string tag;  // for ETag, with its quotes
  };

  /// `ice_servers`: a JSON array of RTCIceServer. `token`: the app token that visitors use; empty: they are asked for one.
  WrtcDemo(std::string_view ice_servers, std::string_view token);

  [[nodiscard]] static bool claims(std::string_view path) noexcept;
  /// By the path of a request.
  [[nodiscard]] std::optional<File> find(std::string_view path) const;

 private:
  std::string config_;
};

}  // namespace sluice
