#pragma once

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "shm/types/result.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// The answer of a hook's client, or why there is none.
using RpcHookReply = std::function<void(Result<nlohmann::json, std::string>)>;

/// A client that can be asked.
class RpcHookClient {
 public:
  virtual ~RpcHookClient() = default;
  /// `reply` is called once, at the latest at `deadline`.
  virtual void ask(std::string_view hook, const nlohmann::json& request, TimePoint deadline, RpcHookReply reply) = 0;
};

/// Which connected client answers which hook: the one that registered last; when it goes, the one before it.
class RpcHooks {
 public:
  /// `changed` hears of a hook that got its first client or lost its last.
  using Changed = std::function<void(const std::string& hook, bool attached)>;
  void on_change(Changed changed) { changed_ = std::move(changed); }

  void add(const std::string& hook, RpcHookClient& client);
  void remove(const std::string& hook, RpcHookClient& client);
  /// From all hooks.
  void remove(RpcHookClient& client);
  [[nodiscard]] bool attached(std::string_view hook) const { return clients_.contains(hook); }
  /// Asks the client; without one the reply is an error at once.
  void ask(std::string_view hook, const nlohmann::json& request, TimePoint deadline, RpcHookReply reply) const;

 private:
  std::map<std::string, std::vector<RpcHookClient*>, std::less<>> clients_;  // no empty lists
  Changed changed_;
};

}  // namespace sluice
