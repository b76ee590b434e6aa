// Admission, capability and room tokens, TURN, consent, residency, moderation, end-to-end keys.
#include <array>

#include "control/config/option_groups.hpp"

namespace sluice::config {

namespace {

using enum OptionType;

constexpr std::array options{
    Option{"consentFlow.allParty", boolean, "false", "tell when every member of a room has consented to a type"},
    Option{"consentFlow.consentTimeoutMs", integer, "30000",
           "ms that a joiner has to consent to what is required, then it is put out; 0 = no limit", 0, 86400000},
    Option{"consentFlow.consentVersion", text, "v1", "version of the text that is consented to"},
    Option{
        "consentFlow.required", text_list, "",
        "types that every member must consent to before its media is forwarded: recording, processing, sharing, analytics"},
    Option{"dataResidency.allowedRegions", text_list, "", "regions that rooms and members may be in; default: localRegion"},
    Option{"dataResidency.enforcePeerRegion", boolean, "false",
           "judge members by the region of their address (hook geoLookup)"},
    Option{"dataResidency.enforceRoomRegion", boolean, "true", "judge rooms by their metadata __region"},
    Option{"dataResidency.geoLookupUrl", text, "", "HTTP callback: POST {ip}, answer {region} or a text; a failure admits"},
    Option{"dataResidency.localRegion", text, "", "region of this server; required"},
    Option{"dataResidency.violationAction", text, "reject", "refuse violations, or only report them", 0, 0, "reject|warn"},
    Option{"e2eKeyExchange.allowedCurves", text_list, "[P-256, X25519]", "curves that keys may name"},
    Option{"e2eKeyExchange.keyAnnouncementTimeoutMs", integer, "10000",
           "ms that a joiner has to announce its key, with requireKeyOnJoin", 1, 86400000},
    Option{"e2eKeyExchange.requireKeyOnJoin", boolean, "false", "put out members that announce no key in time"},
    Option{"moderationBus.allowSelfUnmute", boolean, "true", "a muted member may unmute itself"},
    Option{"policyEngine.defaultCaps", text_list, "[subscribe, data]",
           "capabilities of members without a token: publish, subscribe, kick, record, moderate, data, admin"},
    Option{"policyEngine.issuer", text, "webrtc-rooms", "issuer written into policy tokens"},
    Option{"policyEngine.required", boolean, "false", "refuse joins without a policy token"},
    Option{"policyEngine.secret", text, "", "key by which policy tokens are signed; required"},
    Option{"policyEngine.tokenMetadataKey", text, "policyToken", "metadata key in which clients show their policy token"},
    Option{"security.adminScopes", text_list, "", "accepted for old configurations; the admin secret opens everything"},
    Option{"security.adminTokenTtl", integer, "86400", "accepted for old configurations; there are no admin tokens", 60,
           315360000},
    Option{"security.enforceRoomPolicies", boolean, "false",
           "attach policyEngine and require tokens; policyEngine.required wins"},
    Option{"security.jwtAlgorithm", text, "HS256", "signature of room tokens", 0, 0, "HS256"},
    Option{"security.jwtSecret", text, "", "as signaling.apiSecret and policyEngine.secret, which win"},
    Option{"security.roomPolicyTtl", integer, "3600", "s that issued policy tokens last unless told otherwise", 60,
           315360000},
    Option{"signaling.apiSecret", text, "", "key by which room tokens (JWT) are signed: turns on their checking at joins"},
    Option{"signaling.beforeJoinUrl", text, "",
           "HTTP callback asked at each join: POST {peer, roomId, ip}, answer {allow, reason, metadata}; a failure refuses"},
    Option{"signaling.hookSecret", text, "", "key by which calls of hook URLs are signed (X-Webrtc-Rooms-Signature)"},
    Option{"signaling.turn.secret", text, "", "secret shared with the TURN server (coturn static-auth-secret)"},
    Option{"signaling.turn.ttl", integer, "86400", "s that TURN credentials last", 60, 315360000},
    Option{"signaling.turn.urls", text_list, "", "TURN and STUN URLs that joiners are told"},
};

}  // namespace

std::span<const Option> policy_options() noexcept {
  return options;
}

}  // namespace sluice::config
