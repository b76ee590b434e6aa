#include "sluice/module.hpp"

#include <utility>

#include "control/embedding/server_state.hpp"
#include "sluice/server.hpp"

namespace sluice::rooms {

Module::Module(std::string key, Json options) : key_(std::move(key)), options_(std::move(options)) {}
Module::~Module() = default;

void Module::attach(SignalingServer& server) {
  if (server_ == server.state_) return;
  if (server_ != nullptr) throw Error(ErrorCode::refused, "The module is attached to another server.");
  const auto state = server.state_;
  // Hooks and handlers first: the module may have something to say as soon as it is in place.
  for (const auto& [hook, handler] : hooks_) state->set_hook(hook, handler);
  for (auto& [event, handler] : waiting_) (void)state->add_server_handler(event, handler);
  state->attach_module(key_, options_);
  waiting_.clear();
  server_ = state;
}

void Module::answer(const std::string& hook, Hook handler) {
  hooks_[hook] = std::move(handler);
}

void Module::listen(const std::string& event, detail::Handler handler) {
  if (server_ == nullptr) {
    waiting_.emplace_back(event, std::move(handler));
  } else {
    (void)server_->add_server_handler(event, std::move(handler));
  }
}

Json Module::ask(const std::string& method, Json params) const {
  if (server_ == nullptr) throw Error(ErrorCode::unavailable, "The module is not attached to a server.");
  return server_->call(method, std::move(params));
}

}  // namespace sluice::rooms
