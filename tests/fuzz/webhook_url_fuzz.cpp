// uses: control_http_client sluice::curl
// Any text: what the guard takes, libcurl's own parser reads in the same way, so that what was checked is what is called.
#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "control/http_client/run_time_url.hpp"
#include "tests/fuzz/support/require.hpp"

namespace {

using sluice::fuzz::require;

std::string part(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto url = sluice::RunTimeUrl::parse(text);
  if (!url) return 0;
  require(!url->host.empty() && url->port != 0 && url->target.starts_with('/'));
  if (url->literal) require(sluice::is_global_address(*sluice::SocketAddress::parse(url->host, url->port)));
  CURLU* theirs = curl_url();
  if (curl_url_set(theirs, CURLUPART_URL, text.c_str(), 0) == CURLUE_OK) {
    std::string host = part(theirs, CURLUPART_HOST);
    if (host.starts_with('[')) {
      // Written in different ways, but the same address.
      host = host.substr(1, host.size() - 2);
      require(sluice::SocketAddress::parse(host, 0) == sluice::SocketAddress::parse(url->host, 0));
    } else {
      for (char& c : host) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      require(host == url->host);
    }
    require(part(theirs, CURLUPART_PORT) == std::to_string(url->port));
    require(part(theirs, CURLUPART_USER).empty());
    require(part(theirs, CURLUPART_SCHEME) == "https");
  }
  curl_url_cleanup(theirs);
  return 0;
}
