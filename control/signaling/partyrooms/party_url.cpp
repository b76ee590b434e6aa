#include "control/signaling/partyrooms/party_url.hpp"

#include <algorithm>
#include <vector>

#include "control/signaling/url/url_text.hpp"

namespace sluice {
namespace {

constexpr int bad_request = 400;
constexpr int not_found = 404;

}  // namespace

bool is_party_path(std::string_view raw_path) noexcept {
  const auto below = [&](std::string_view root) {
    return raw_path.starts_with(root) && (raw_path.size() == root.size() || raw_path[root.size()] == '/');
  };
  return below("/parties") || below("/party");
}

Result<PartyUrl, PartyRefusal> read_party_url(std::string_view raw_path, std::string_view query,
                                              const PartyOptions& options) {
  const std::vector<std::string> segments = url::path_segments(raw_path);
  std::size_t room_at = 1;
  if (segments.front() == "parties") {
    if (segments.size() < 3) return unexpected(PartyRefusal{});
    const std::string& party = segments[1];
    if (std::find(options.parties.begin(), options.parties.end(), party) == options.parties.end())
      return unexpected(PartyRefusal{not_found, "Party " + party + " not found"});
    room_at = 2;
  } else if (segments.front() != "party") {
    return unexpected(PartyRefusal{});
  }
  if (segments.size() <= room_at || segments[room_at].empty()) return unexpected(PartyRefusal{});
  PartyUrl url{segments[room_at], url::query_value(query, "_pk").value_or(""), false,
               url::query_value(query, "token").value_or("")};
  url.turn = segments.size() > room_at + 1 && segments[room_at + 1] == "turn";
  if (url.room.size() > options.room_bytes_max) return unexpected(PartyRefusal{bad_request, "Room name too long"});
  if (url.id.size() > options.id_bytes_max) return unexpected(PartyRefusal{bad_request, "Id too long"});
  if (!url::is_utf8(url.room) || !url::is_utf8(url.id) || !url::is_utf8(url.token))
    return unexpected(PartyRefusal{bad_request, "Not UTF-8"});
  return url;
}

}  // namespace sluice
