// The client protocols beside the native one.
#include <array>

#include "control/config/option_groups.hpp"

namespace sluice::config {

namespace {

using enum OptionType;

constexpr std::array options{
    Option{"dialects.bridge", OptionType::json, "[[native, whip]]",
           "lists of dialects that share rooms: native, protoo, rtcio, wrtcSignal, partyRooms, whip"},
    Option{"dialects.partyRooms.allowedOrigins", text_list, "", "Origin values whose WebSockets are accepted; empty = all"},
    Option{"dialects.partyRooms.enabled", boolean, "true", "serve PartyKit rooms at /parties and /party"},
    Option{"dialects.partyRooms.parties", text_list, "main", "names of parties, /parties/NAME/..."},
    Option{"dialects.partyRooms.port", integer, "", "port of its own, beside that of signaling; 0 = any free one", 0, 65535},
    Option{"dialects.partyRooms.turnOrigins", text_list, "", "Origin values that get TURN credentials; empty = all"},
    Option{"dialects.partyRooms.turnRequestsPerMinute", integer, "120",
           "TURN credentials that one address gets in a minute, loopback excepted; 0 = no limit", 0, 1000000},
    Option{"dialects.partyRooms.turnSecret", text_list, "",
           "as signaling.turn.secret, for party rooms; without it signaling.turn counts"},
    Option{"dialects.partyRooms.turnToken", text, "", "what the query must hold as 'token' to get TURN credentials"},
    Option{"dialects.partyRooms.turnTtl", integer, "86400", "seconds for which credentials are good", 60, 172800},
    Option{"dialects.partyRooms.turnUrls", text_list, "", "as signaling.turn.urls, for party rooms"},
    Option{"dialects.protoo.allowedOrigins", text_list, "", "Origin values whose WebSockets are accepted; empty = all"},
    Option{"dialects.protoo.duplicatePeer", text, "reject",
           "a peer id that is in the room already: the newcomer is closed, or the one that is there", 0, 0,
           "reject|replace"},
    Option{"dialects.protoo.enabled", boolean, "true", "serve WebSockets of the subprotocol protoo"},
    Option{"dialects.protoo.maxMessageSize", integer, "1048576", "bytes of one message; larger ones close with 1009", 960000,
           104857600},
    Option{"dialects.protoo.port", integer, "", "port of its own, beside that of signaling; 0 = any free one", 0, 65535},
    Option{"dialects.protoo.token", text, "", "what clients must show as query 'token' or bearer"},
    Option{"dialects.whip.connectTimeout", integer, "30000",
           "milliseconds that the media of a WHIP or WHEP session may take to come up", 1000, 600000},
    Option{"dialects.whip.enabled", boolean, "true", "WHIP and WHEP on /whip/ROOM and /whep/ROOM"},
    Option{"dialects.whip.maxSessions", integer, "10000", "WHIP and WHEP sessions at once", 1, 1000000},
};

}  // namespace

std::span<const Option> dialect_options() noexcept {
  return options;
}

}  // namespace sluice::config
