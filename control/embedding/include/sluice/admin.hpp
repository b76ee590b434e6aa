#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sluice/module.hpp>

namespace sluice::rooms {

struct WebhookEndpoint {
  std::string url;
  std::string secret = {};
  std::vector<std::string> events = {};  // empty: all
};

struct WebhookDispatcherOptions {
  std::vector<WebhookEndpoint> endpoints = {};  // required
  std::optional<std::string> secret = {};
  std::optional<std::vector<std::string>> events = {};
  std::optional<std::int64_t> timeoutMs = {};
};

/// Contract section 35. Events: `delivery:success`, `delivery:retry`, `delivery:failed`.
class SLUICE_API WebhookDispatcher : public Module {
 public:
  explicit WebhookDispatcher(const WebhookDispatcherOptions& options);
  void dispatch(const std::string& type, const Json& data) const;
  /// {event, endpoint, failedAt, error}, oldest first.
  [[nodiscard]] std::vector<Json> deadLetterQueue() const;
  void clearDeadLetterQueue() const;
  /// {delivered, retries, failed, waiting}.
  [[nodiscard]] Json stats() const;
};

struct AdminAPIOptions {
  std::optional<std::string> adminSecret = {};
  std::optional<std::string> prefix = {};
  std::optional<std::string> host = {};
  std::optional<std::uint16_t> port = {};
};

/// The admin HTTP API (contract section 36); on without any configuration. The server listens for it: its options count
/// before listen() of the server.
class SLUICE_API AdminAPI : public Module {
 public:
  explicit AdminAPI(const AdminAPIOptions& options = {});
};

struct GovernanceEndpointsOptions {
  std::optional<std::string> adminSecret = {};
  std::optional<std::string> prefix = {};
  std::optional<std::string> host = {};
  std::optional<std::uint16_t> port = {};
};

/// The governance HTTP API (contract section 37), likewise.
class SLUICE_API GovernanceEndpoints : public Module {
 public:
  explicit GovernanceEndpoints(const GovernanceEndpointsOptions& options = {});
};

/// The configuration tree of contract section 38. By itself it checks and merges; tree() makes `configuration` of a server's
/// options. Once attached, set() and unset() change the running server, and get() and all() show it.
class SLUICE_API ConfigManager {
 public:
  /// Error: invalid_params, with all mistakes.
  explicit ConfigManager(const Json& configuration = Json::object());
  ~ConfigManager();
  ConfigManager(const ConfigManager&) = delete;
  ConfigManager& operator=(const ConfigManager&) = delete;

  [[nodiscard]] Json get(const std::string& path, const Json& fallback = nullptr) const;
  /// With defaults.
  [[nodiscard]] Json all() const;
  /// Error: invalid_params (unknown, of a wrong type, out of range). The paths that take effect with a restart only.
  std::vector<std::string> set(const std::string& path, const Json& value);
  /// False when it was not set.
  bool unset(const std::string& path);
  /// What is set.
  [[nodiscard]] Json tree() const;
  void attach(SignalingServer& server);
  /// `config:changed` ({path, value, previous}).
  void on(const std::string& event, std::function<void(const Json& change)> handler);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // also held by a callback that runs
};

/// Whose switches count.
struct FlagContext {
  std::optional<std::string> roomId = {};
  std::optional<std::string> tenantId = {};
};

/// Feature flags (contract section 38): room, then tenant, then global, then false. By itself it is a table of this program;
/// once attached it is the server's, and flags of a room go with it.
class SLUICE_API FeatureFlags {
 public:
  FeatureFlags();
  ~FeatureFlags();
  FeatureFlags(const FeatureFlags&) = delete;
  FeatureFlags& operator=(const FeatureFlags&) = delete;

  void setGlobalFlag(const std::string& flag, bool value);
  void setTenantFlag(const std::string& tenantId, const std::string& flag, bool value);
  void setRoomFlag(const std::string& roomId, const std::string& flag, bool value);
  void clearTenantFlags(const std::string& tenantId);
  void clearRoomFlags(const std::string& roomId);
  [[nodiscard]] bool isEnabled(const std::string& flag, const FlagContext& context = {}) const;
  [[nodiscard]] std::map<std::string, bool> resolve(const FlagContext& context = {}) const;
  /// {globalFlags, tenantOverrides, roomOverrides}.
  [[nodiscard]] Json stats() const;
  void attach(SignalingServer& server);
  /// `flag:changed` ({flag, value, scope}), `flag:cleared` ({scope}).
  void on(const std::string& event, std::function<void(const Json& change)> handler);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // also held by a callback that runs
};

}  // namespace sluice::rooms
