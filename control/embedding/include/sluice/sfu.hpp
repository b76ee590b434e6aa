#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sluice/module.hpp>
#include <sluice/peer.hpp>
#include <sluice/room.hpp>

namespace sluice::rooms {

struct NativeSFUEngineOptions {
  std::optional<std::string> region = {};
  std::optional<std::uint32_t> maxRoomsPerWorker = {};
  std::optional<std::uint32_t> numWorkers = {};
  std::optional<std::string> listenIp = {};
  std::optional<std::string> announcedIp = {};
  std::optional<std::uint16_t> rtcMinPort = {};
  std::optional<std::uint16_t> rtcMaxPort = {};
  std::optional<bool> enableSimulcast = {};
  std::optional<bool> enableDtx = {};
};

/// The server's own SFU (contract section 15); on without any configuration. Its options count before listen(). Events:
/// `producer:created`, `producer:closed`, `consumer:created`, `consumer:closed`, `layer:changed`, `transport:connected`.
class SLUICE_API NativeSFUEngine : public Module {
 public:
  explicit NativeSFUEngine(const NativeSFUEngineOptions& options = {});
  /// The server's processes do it when it starts: nothing is left to do.
  void init() {}
  /// No engine without its server: SignalingServer::close() ends both.
  void close() {}
  /// Error: unavailable when no worker is alive, or it is not attached.
  void healthCheck() const;
  /// {region, rooms, totalProducers, totalConsumers, totalTransports, initialized}.
  [[nodiscard]] Json stats() const;
  [[nodiscard]] std::vector<Json> producers(const std::optional<std::string>& roomId = std::nullopt) const;
  [[nodiscard]] std::vector<Json> consumers(const std::optional<std::string>& roomId = std::nullopt) const;
};

struct AdaptiveBitrateControllerOptions {
  std::optional<std::int64_t> upgradeHoldMs = {};
  std::optional<std::int64_t> decayIntervalMs = {};
  std::optional<bool> mobileFirst = {};
  std::optional<bool> protectActiveSpeaker = {};
  std::optional<bool> protectScreenShare = {};
};

/// Contract section 17. Events: `layer:changed`, `score:updated`, `audio:only:hint`.
class SLUICE_API AdaptiveBitrateController : public Module {
 public:
  explicit AdaptiveBitrateController(const AdaptiveBitrateControllerOptions& options = {});
  /// Error: not_found.
  void setActiveSpeaker(const std::string& producerId) const;
  void clearActiveSpeaker(const std::string& producerId) const;
  void markScreenShare(const std::string& producerId, bool screenShare = true) const;
  /// False when there is no such consumer or layer.
  bool forceLayer(const std::string& consumerId, const std::string& layer) const;
  [[nodiscard]] std::vector<Json> stats() const;
};

/// An SFU of the operator's own beside ours (contract section 15): derive from it. attach() follows the server's rooms: a
/// room and its peers are announced to the SFU, and each joiner gets `sfu:transport:created` with what
/// createPeerTransports() says. What goes wrong in there is the event `error` of on_error().
class SLUICE_API SFUInterface {
 public:
  // Names of capabilities.
  static constexpr std::string_view SIMULCAST = "simulcast";
  static constexpr std::string_view SVC = "svc";
  static constexpr std::string_view DATA_CHANNELS = "data_channels";
  static constexpr std::string_view E2EE = "e2ee";
  static constexpr std::string_view PRODUCER_STATS = "producer_stats";
  static constexpr std::string_view MULTI_REGION = "multi_region";
  static constexpr std::string_view CONSUMER_CONTROL = "consumer_control";
  static constexpr std::string_view BANDWIDTH_LIMIT = "bandwidth_limit";

  SFUInterface();
  virtual ~SFUInterface();
  SFUInterface(const SFUInterface&) = delete;
  SFUInterface& operator=(const SFUInterface&) = delete;

  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::string version() const = 0;
  [[nodiscard]] virtual std::vector<std::string> capabilities() const = 0;
  virtual void init() = 0;
  virtual void close() = 0;
  virtual void createRoom(const std::string& roomId) = 0;
  virtual void closeRoom(const std::string& roomId) = 0;
  /// {sendTransport, recvTransport, routerRtpCapabilities}.
  virtual Json createPeerTransports(const std::string& roomId, const std::string& peerId) = 0;
  virtual void connectTransport(const std::string& peerId, const std::string& direction, const Json& dtlsParameters) = 0;
  virtual void closePeerTransports(const std::string& roomId, const std::string& peerId) = 0;
  /// The id of what was made.
  virtual std::string produce(const std::string& peerId, const std::string& kind, const Json& rtpParameters) = 0;
  virtual Json consume(const std::string& peerId, const std::string& producerId, const Json& rtpCapabilities) = 0;
  virtual void pauseConsumer(const std::string& consumerId) = 0;
  virtual void resumeConsumer(const std::string& consumerId) = 0;
  [[nodiscard]] virtual Json health() const = 0;
  [[nodiscard]] virtual Json stats() const = 0;
  [[nodiscard]] virtual Json producerStats(const std::string& producerId) const = 0;

  /// Calls init() once, then follows the server; rooms and peers that exist count. Again: nothing.
  void attach(SignalingServer& server);
  /// Waits for a callback that runs, unless called by it; none runs afterwards. A derived class calls it in its own
  /// destructor: ~SFUInterface() does, too, but the members above are gone by then. Hold no lock that one of them takes.
  void detach();
  [[nodiscard]] bool hasCapability(std::string_view name) const;
  /// `sfu:room:created`, `sfu:room:closed` ({roomId}), `sfu:peer:joined`, `sfu:peer:left` ({roomId, peerId}), `error`
  /// ({message}).
  void on(const std::string& event, std::function<void(const Json& data)> handler);

 private:
  struct Following;
  std::unique_ptr<Following> following_;
};

}  // namespace sluice::rooms
