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
    Option{"dialects.rtcio.enabled", boolean, "true", "serve rtc.io clients at /socket.io/"},
    Option{"dialects.rtcio.maxPeersPerRoom", integer, "256", "capacity of rooms that rtc.io clients make", 1, 10000},
    Option{"dialects.rtcio.maxRoomsPerPeer", integer, "32", "rooms that one connection may be in", 1, 1024},
    Option{"dialects.rtcio.messagesPerSecond", integer, "100",
           "messages of one connection that are relayed, averaged over ten seconds; 0 = no limit", 0, 1000000},
    Option{"dialects.rtcio.port", integer, "", "port of its own, beside that of signaling; 0 = any free one", 0, 65535},
    Option{"dialects.rtcio.requireSharedRoom", boolean, "false", "relay only between peers that share a room"},
    Option{"dialects.socketio.conformance", boolean, "false",
           "serve the echo of the protocol test suites instead of the dialects, to loopback only"},
    Option{"dialects.socketio.connectTimeout", integer, "45000", "ms that a session may live without a namespace", 100,
           3600000},
    Option{"dialects.socketio.enabled", boolean, "true", "serve Engine.IO and Socket.IO at /socket.io/"},
    Option{"dialects.socketio.maxPayload", integer, "1000000", "bytes of one POST body or WebSocket message", 1024,
           104857600},
    Option{"dialects.socketio.maxSessionsPerIp", integer, "1024", "sessions of one address, loopback excepted", 1, 1000000},
    Option{"dialects.socketio.pingInterval", integer, "25000", "heartbeat period in ms", 100, 3600000},
    Option{"dialects.socketio.pingTimeout", integer, "20000", "ms that a pong may take", 100, 3600000},
    Option{"dialects.socketio.recovery", integer, "120000",
           "ms for which the state of a lost rtc.io connection is kept; 0 = off", 0, 3600000},
    Option{"dialects.socketio.recoveryBytes", integer, "33554432", "most bytes of events kept for recovery", 0, 4294967296},
    Option{"dialects.socketio.upgradeTimeout", integer, "10000", "ms that an upgrade from polling to WebSocket may take",
           100, 3600000},
    Option{"dialects.whip.connectTimeout", integer, "30000",
           "milliseconds that the media of a WHIP or WHEP session may take to come up", 1000, 600000},
    Option{"dialects.whip.enabled", boolean, "true", "WHIP and WHEP on /whip/ROOM and /whep/ROOM"},
    Option{"dialects.whip.maxSessions", integer, "10000", "WHIP and WHEP sessions at once", 1, 1000000},
    Option{"dialects.whip.port", integer, "", "port of its own, beside that of signaling; 0 = any free one", 0, 65535},
    Option{"dialects.wrtcSignal.appPass", text, "", "password of POST /app; without it wrtc-signal is not served"},
    Option{"dialects.wrtcSignal.appSecret", text, "", "key of all its tokens; without it wrtc-signal is not served"},
    Option{"dialects.wrtcSignal.demoToken", text, "",
           "app token that visitors of /demo use, whoever they are; empty = they are asked for one"},
    Option{"dialects.wrtcSignal.enabled", boolean, "true", "serve wrtc-signal clients at /socket.io/ and POST /app"},
    Option{"dialects.wrtcSignal.iceServers", OptionType::json, "[]", "list of RTCIceServer for visitors of /demo"},
    Option{"dialects.wrtcSignal.legacySilentReject", boolean, "false", "leave a bad token at CONNECT without an answer"},
    Option{"dialects.wrtcSignal.maxPeersPerRoom", integer, "256", "capacity of rooms that wrtc-signal clients make", 1,
           10000},
    Option{"dialects.wrtcSignal.ownerless", text, "silent", "requests to join a room whose owner has left", 0, 0,
           "silent|promote-oldest|reject"},
    Option{"dialects.wrtcSignal.port", integer, "", "port of its own, beside that of signaling; 0 = any free one", 0, 65535},
    Option{"dialects.wrtcSignal.tokenLifetime", integer, "86400", "seconds for which a session token is good", 1, 31536000},
};

}  // namespace

std::span<const Option> dialect_options() noexcept {
  return options;
}

}  // namespace sluice::config
