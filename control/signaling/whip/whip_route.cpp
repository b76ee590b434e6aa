#include "control/signaling/whip/whip_route.hpp"

#include <algorithm>
#include <utility>

#include "control/signaling/whip/sdp_fragment.hpp"

namespace sluice {

using loop::HttpMethod;
using loop::HttpReply;
using loop::HttpRequest;
using loop::HttpResponse;
using whip::Failure;
using whip::Role;

namespace {

constexpr std::string_view fragment_type = "application/trickle-ice-sdpfrag";
constexpr std::string_view sessions_prefix = "sessions/";

std::string escaped(std::string_view text) {
  std::string json;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20) continue;
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json;
}

std::string_view title_of(int status) {
  switch (status) {
    case 400:
      return "Bad request";
    case 401:
      return "Not authorized";
    case 403:
      return "Not allowed";
    case 404:
      return "Not found";
    case 405:
      return "Method not allowed";
    case 409:
      return "Conflict";
    case 412:
      return "Another ICE session";
    case 413:
      return "Too large";
    case 415:
      return "Unsupported media type";
    case 422:
      return "Cannot be served";
    case 428:
      return "If-Match is missing";
    case 429:
      return "Too many requests";
    default:
      return status == 503 ? "Unavailable" : "Internal error";
  }
}

/// RFC 9457.
HttpResponse problem(const Failure& failure) {
  HttpResponse response{failure.status,
                        "application/problem+json",
                        R"({"title":")" + std::string(title_of(failure.status)) + R"(","status":)" +
                            std::to_string(failure.status) + R"(,"detail":")" + escaped(failure.message) + R"("})",
                        {}};
  if (failure.status == 401) response.headers.emplace_back("www-authenticate", "Bearer");
  if (failure.status == 503 || failure.status == 429) response.headers.emplace_back("retry-after", "1");
  return response;
}

HttpResponse not_allowed(std::string allowed) {
  HttpResponse response = problem({405, "use " + allowed});
  response.headers.emplace_back("allow", std::move(allowed));
  return response;
}

/// The media type without parameters, lower case.
std::string media_type(const HttpRequest& request) {
  std::string type = request.header("content-type").value_or("");
  type = type.substr(0, type.find(';'));
  while (type.ends_with(' ')) type.pop_back();
  std::transform(type.begin(), type.end(), type.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return type;
}

/// RFC 6750 section 2.1; the scheme is compared without case.
std::string bearer_of(const std::string& authorization) {
  constexpr std::string_view scheme = "bearer ";
  if (authorization.size() <= scheme.size()) return {};
  for (std::size_t i = 0; i < scheme.size(); ++i) {
    if ((authorization[i] | 0x20) != scheme[i]) return {};
  }
  return authorization.substr(authorization.find_first_not_of(' ', scheme.size()));
}

std::string query_value(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
      return std::string(pair.substr(name.size() + 1));
  }
  return {};
}

std::string entity_tag(const MediaSignaling::IceSession& session) {
  return "\"" + session.ufrag + "\"";
}

/// RFC 9110 section 13.1.1. `"*"` with quotes is what an example of RFC 9725 shows.
bool matches(std::string_view if_match, const std::string& tag) {
  while (!if_match.empty()) {
    std::string_view each = if_match.substr(0, if_match.find(','));
    if_match.remove_prefix(std::min(if_match.size(), each.size() + 1));
    each.remove_prefix(std::min(each.size(), each.find_first_not_of(" \t")));
    while (each.ends_with(' ') || each.ends_with('\t')) each.remove_suffix(1);
    if (each == "*" || each == "\"*\"" || each == tag) return true;
  }
  return false;
}

}  // namespace

WhipRoute::WhipRoute(WhipSessions& sessions, WhipOptions options, Hooks hooks)
    : sessions_(sessions), options_(std::move(options)), hooks_(std::move(hooks)) {}

std::optional<WhipRoute::Target> WhipRoute::target_of(std::string_view path) {
  Target target;
  if (path.starts_with("/whep/")) {
    target.role = Role::play;
  } else if (!path.starts_with("/whip/")) {
    return std::nullopt;
  }
  path.remove_prefix(6);
  target.is_session = path.starts_with(sessions_prefix);
  if (target.is_session) path.remove_prefix(sessions_prefix.size());
  target.name = path;
  return target;
}

bool WhipRoute::claims(const loop::RequestHead& head) const {
  return target_of(head.path).has_value();
}

void WhipRoute::http(const HttpRequest& request, HttpReply reply) {
  const auto& origins = options_.allowed_origins;
  const bool any_origin = origins.empty();
  if (!any_origin && !request.origin.empty() && std::find(origins.begin(), origins.end(), request.origin) == origins.end())
    return reply(problem({403, "pages of this origin are not allowed"}));
  // What every answer says to web pages (RFC 9725 section 4.2: Location, ETag and Link must be readable).
  const HttpReply cors([reply, any_origin, origin = request.origin](HttpResponse response) {
    response.headers.emplace_back("access-control-allow-origin", any_origin ? "*" : origin);
    if (!any_origin) response.headers.emplace_back("vary", "Origin");
    response.headers.emplace_back("access-control-expose-headers",
                                  "Location, ETag, Link, Accept-Post, Accept-Patch, Retry-After");
    reply(std::move(response));
  });
  reply.on_abort([aborter = cors.aborter()] { aborter(); });

  const Target target = *target_of(request.path);
  switch (request.method) {
    case HttpMethod::options:
      return cors(options(request, target));
    case HttpMethod::get:
    case HttpMethod::head:
      return cors(get(request, target));
    case HttpMethod::post:
      if (!target.is_session) return post(request, target, cors);
      break;
    case HttpMethod::patch:
      if (target.is_session) return cors(patch(request, target));
      break;
    case HttpMethod::del:
      if (target.is_session) return cors(remove(target));
      break;
    default:
      break;
  }
  cors(not_allowed(target.is_session ? "DELETE, PATCH, GET, OPTIONS" : "POST, GET, OPTIONS"));
}

void WhipRoute::post(const HttpRequest& request, const Target& target, const HttpReply& reply) {
  if (media_type(request) != "application/sdp") {
    HttpResponse response = problem({415, "an offer is application/sdp"});
    response.headers.emplace_back("accept-post", "application/sdp");
    return reply(std::move(response));
  }
  WhipSessions::Request wanted;
  wanted.role = target.role;
  wanted.room = hooks_.room(target.name);
  wanted.ip = request.remote_ip;
  wanted.token = bearer_of(request.authorization);
  if (target.role == Role::play) wanted.publisher = query_value(request.query, "peer");
  wanted.offer = request.body;
  const PeerId opening = sessions_.open(std::move(wanted), hooks_.now(), [this, target, reply](WhipSessions::Answer answer) {
    reply(answer ? created(target, *answer) : problem(answer.error()));
  });
  if (!opening.empty()) reply.on_abort([this, opening] { sessions_.cancel(opening); });
}

HttpResponse WhipRoute::created(const Target& target, const WhipSessions::Created& session) const {
  HttpResponse response{201, "application/sdp", session.answer, {}};
  response.headers.emplace_back("location",
                                (target.role == Role::play ? "/whep/sessions/" : "/whip/sessions/") + session.id);
  if (const auto ice = sessions_.ice(session.id)) response.headers.emplace_back("etag", entity_tag(*ice));
  response.headers.emplace_back("accept-patch", fragment_type);
  if (const auto servers = hooks_.ice_servers(session.peer, hooks_.now())) {
    for (std::string& link : ice_server_links(*servers)) response.headers.emplace_back("link", std::move(link));
  }
  return response;
}

HttpResponse WhipRoute::options(const HttpRequest& request, const Target& target) const {
  HttpResponse response{200, "", "", {}};
  response.headers.emplace_back("access-control-allow-methods",
                                target.is_session ? "DELETE, PATCH, GET, OPTIONS" : "POST, GET, OPTIONS");
  response.headers.emplace_back("access-control-allow-headers", "Authorization, Content-Type, If-Match");
  response.headers.emplace_back("access-control-max-age", "86400");
  if (target.is_session) {
    response.headers.emplace_back("accept-patch", fragment_type);
    return response;
  }
  response.headers.emplace_back("accept-post", "application/sdp");
  // A preflight is no use for credentials (RFC 9725 section 4.6); a client that asks itself has a use for them.
  if (request.header("access-control-request-method")) return response;
  if (const auto servers = hooks_.ice_servers(PeerId(), hooks_.now())) {
    for (std::string& link : ice_server_links(*servers)) response.headers.emplace_back("link", std::move(link));
  }
  return response;
}

HttpResponse WhipRoute::get(const HttpRequest& request, const Target& target) const {
  // Nothing has a representation (RFC 9725 section 4.1). A player finds out by HEAD that this is WHEP.
  if (target.is_session && !sessions_.contains(target.name)) return problem({404, "there is no such session"});
  if (request.method == HttpMethod::head && target.role == Role::play && !target.is_session)
    return {200, "application/sdp", "", {}};
  return {204, "", "", {}};
}

HttpResponse WhipRoute::patch(const HttpRequest& request, const Target& target) {
  const auto before = sessions_.ice(target.name);
  if (!before) return problem({404, "there is no such session"});
  if (!sessions_.admit_patch(target.name, hooks_.now()))
    return problem({429, "too many changes of this session in a minute"});
  if (media_type(request) != fragment_type) {
    HttpResponse response = problem({415, "a change of a session is " + std::string(fragment_type)});
    response.headers.emplace_back("accept-patch", fragment_type);
    return response;
  }
  if (request.body.size() > options_.fragment_bytes_max) return problem({413, "the fragment is too long"});
  const auto condition = request.header("if-match");
  if (!condition) return problem({428, "say by If-Match which ICE session is meant, or * for a restart"});
  if (!matches(*condition, entity_tag(*before))) return problem({412, "the session has another ICE session by now"});
  const auto fragment = whip::parse_fragment(request.body);
  if (!fragment) return problem({400, fragment.error()});
  if (!fragment->ufrag) return {204, "", "", {}};  // candidates, which an ICE-lite server does not need
  const auto after = sessions_.restart_ice(target.name, *fragment->ufrag, *fragment->pwd);
  if (!after) return problem(after.error());
  if (after->ufrag == before->ufrag) return {204, "", "", {}};
  return {200, std::string(fragment_type), whip::write_fragment(*after), {{"etag", entity_tag(*after)}}};
}

HttpResponse WhipRoute::remove(const Target& target) {
  if (!sessions_.close(target.name)) return problem({404, "there is no such session"});
  return {200, "", "", {}};
}

}  // namespace sluice
