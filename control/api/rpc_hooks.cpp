#include "control/api/rpc_hooks.hpp"

#include <algorithm>

namespace sluice {

void RpcHooks::add(const std::string& hook, RpcHookClient& client) {
  std::vector<RpcHookClient*>& list = clients_[hook];
  std::erase(list, &client);
  list.push_back(&client);
  if (list.size() == 1 && changed_) changed_(hook, true);
}

void RpcHooks::remove(const std::string& hook, RpcHookClient& client) {
  const auto found = clients_.find(hook);
  if (found == clients_.end()) return;
  std::erase(found->second, &client);
  if (!found->second.empty()) return;
  clients_.erase(found);
  if (changed_) changed_(hook, false);
}

void RpcHooks::remove(RpcHookClient& client) {
  std::vector<std::string> hooks;
  for (const auto& [hook, list] : clients_) {
    if (std::find(list.begin(), list.end(), &client) != list.end()) hooks.push_back(hook);
  }
  for (const std::string& hook : hooks) remove(hook, client);
}

void RpcHooks::ask(std::string_view hook, const nlohmann::json& request, TimePoint deadline, RpcHookReply reply) const {
  const auto found = clients_.find(hook);
  if (found == clients_.end()) return reply(unexpected("nobody answers the hook " + std::string(hook)));
  found->second.back()->ask(hook, request, deadline, std::move(reply));
}

}  // namespace sluice
