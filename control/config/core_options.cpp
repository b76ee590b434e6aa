// The server itself: listeners, media, workers, isolation, logs.
#include <array>

#include "control/config/option_groups.hpp"

namespace sluice::config {

namespace {

using enum OptionType;

// Ranges: what the contract's section 38 allows where it says something, else what the code can carry.
constexpr std::array options{
    Option{"adminApi.adminSecret", text, "",
           "bearer secret of the admin API and /metrics; without it they listen on loopback only"},
    Option{"adminApi.host", text, "127.0.0.1", "address that the admin API listens on"},
    Option{"adminApi.port", integer, "4000", "port of the admin API and /metrics; 0 = any free one", 0, 65535},
    Option{"adminApi.prefix", text, "/admin", "path prefix of the admin API"},
    Option{"drain.onSigterm", integer, "0",
           "seconds that calls get to end after SIGTERM, as by 'sluice drain --deadline'; 0: the server ends at once", 0,
           604800},
    Option{"isolation.firstUser", integer, "60900",
           "first of the 272 user and group numbers that processes get where no users sluice-... exist", 1, 4294901760},
    Option{"isolation.seccomp", text, "enforce", "system calls that a process has no business with: refuse, only log, allow",
           0, 0, "enforce|log|off"},
    Option{"isolation.users", text, "auto", "run each kind of process as a user of its own when started as root", 0, 0,
           "auto|off"},
    Option{"log.format", text, "line", "log lines on standard error: key=value lines or JSON objects", 0, 0, "line|json"},
    Option{"log.level", text, "info", "lowest level that is logged", 0, 0, "debug|info|warn|error"},
    Option{"media.announced_ip", text_list, "", "addresses that clients are told to send media to; default: the host's own"},
    Option{"media.engine", text, "auto", "how workers do their I/O", 0, 0, "auto|io_uring|mmsg"},
    Option{"media.listen", text_list, "[0.0.0.0, \"::\"]",
           "addresses that media sockets are bound to, at most one of each family"},
    Option{"media.port", integer, "40000", "UDP port of worker 0; worker i has this + i", 1, 65535},
    Option{"nativeSfu.announcedIp", text, "", "as media.announced_ip, which wins"},
    Option{"nativeSfu.enableDtx", boolean, "true", "offer Opus discontinuous transmission"},
    Option{"nativeSfu.enableSimulcast", boolean, "true", "accept several layers of one video"},
    Option{"nativeSfu.listenIp", text, "", "as media.listen, which wins"},
    Option{"nativeSfu.maxRoomsPerWorker", integer, "100", "rooms that one worker takes before placement prefers another", 1,
           100000},
    Option{"nativeSfu.numWorkers", integer, "", "as workers.count, which wins", 1, 256},
    Option{"nativeSfu.region", text, "default", "region named in sfu:ready"},
    Option{"nativeSfu.rtcMaxPort", integer, "59999", "accepted for old configurations; media uses media.port", 1, 65535},
    Option{"nativeSfu.rtcMinPort", integer, "10000", "accepted for old configurations; media uses media.port", 1, 65535},
    Option{"region.heartbeatInterval", integer, "5000", "accepted without effect: this version has one region", 1000,
           86400000},
    Option{"region.heartbeatTtl", integer, "15000", "accepted without effect: this version has one region", 1000, 86400000},
    Option{"region.id", text, "default", "name of this server's region"},
    Option{"region.multiRegion", boolean, "false", "accepted with a warning: this version has one region"},
    Option{"server.autoCreateRooms", boolean, "true", "as signaling.autoCreateRooms, which wins"},
    Option{"server.autoDestroyRooms", boolean, "true", "as signaling.autoDestroyRooms, which wins"},
    Option{"server.maxMessageSize", integer, "65536", "as signaling.maxMessageSize, which wins", 1024, 10485760},
    Option{"server.maxPeersPerRoom", integer, "50", "as signaling.maxPeersPerRoom, which wins", 1, 10000},
    Option{"server.pingInterval", integer, "25000", "as signaling.pingInterval, which wins", 1000, 3600000},
    Option{"server.port", integer, "3000", "as signaling.port, which wins", 1, 65535},
    Option{"server.reconnectTtl", integer, "15000", "as signaling.reconnectTtl, which wins", 0, 86400000},
    Option{"sfu.adapter", text, "", "native (or nothing): this server's own SFU; others are accepted with a warning", 0, 0,
           "native|mediasoup|livekit"},
    Option{"sfu.announcedIp", text, "", "as media.announced_ip, which wins"},
    Option{"sfu.failoverCooldownMs", integer, "30000", "accepted without effect: this version has one region", 0, 86400000},
    Option{"sfu.listenIp", text, "", "as media.listen, which wins"},
    Option{"sfu.minHealthyRegions", integer, "1", "accepted without effect: this version has one region", 0, 1000},
    Option{"sfu.numWorkers", integer, "", "as workers.count, which wins", 1, 256},
    Option{"sfu.rtcMaxPort", integer, "10200", "accepted for old configurations; media uses media.port", 1024, 65535},
    Option{"sfu.rtcMinPort", integer, "10000", "accepted for old configurations; media uses media.port", 1024, 65535},
    Option{"signaling.allowedOrigins", text_list, "", "Origin values whose WebSockets are accepted; empty = all"},
    Option{"signaling.autoCreateRooms", boolean, "true", "the first join makes the room"},
    Option{"signaling.autoDestroyRooms", boolean, "true", "the last leave ends the room"},
    Option{"signaling.host", text, "", "address that signaling and the page listen on; default: all"},
    Option{"signaling.maxMessageSize", integer, "1048576", "bytes of one message; larger ones close the socket with 1009",
           1024, 104857600},
    Option{"signaling.maxPeersPerRoom", integer, "50", "capacity of every room created", 1, 10000},
    Option{"signaling.maxRoomIdBytes", integer, "512", "longest room id", 1, 65536},
    Option{"signaling.pingInterval", integer, "30000", "heartbeat period in ms", 1000, 3600000},
    Option{"signaling.port", integer, "3000", "port of signaling and the page; 0 = any free one", 0, 65535},
    Option{"signaling.reconnectTtl", integer, "0", "ms for which a dropped peer keeps its place; 0 = off", 0, 86400000},
    Option{"signaling.relayControlPayloads", boolean, "false",
           "also relay control payloads (__sfu ...) that a module consumed"},
    Option{"signaling.tls.cert", text, "", "PEM file with the certificate chain: turns on https and wss"},
    Option{"signaling.tls.key", text, "", "PEM file with the private key"},
    Option{"signaling.trustProxy", boolean, "false", "take the client address from X-Forwarded-For"},
    Option{"workers.cores", integer_list, "", "CPU cores that workers are pinned to, one each; default: not pinned", 0,
           4095},
    Option{"workers.count", integer, "",
           "number of media workers; default: one per entry of workers.cores, else one per CPU", 1, 256},
    Option{"workers.spares", integer, "1", "started worker processes that wait to take the place of one that dies", 0, 8},
};

}  // namespace

std::span<const Option> core_options() noexcept {
  return options;
}

}  // namespace sluice::config
