#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <sluice/error.hpp>
#include <sluice/event.hpp>
#include <sluice/export.hpp>
#include <sluice/json.hpp>

namespace sluice::rooms {

class SignalingServer;

/// A feature of the server that can be attached or not (contract section 1). The module itself runs in the server; this
/// object holds its options, attaches it, and asks it.
///
/// Before listen() attaching makes the module part of the configuration; afterwards it joins the running server, which tells
/// it of the rooms and peers that exist. It stays attached, also without this object, for as long as the server lives; one
/// that is started anew at the same control socket gets it again. Calls of a module that is not attached throw Error
/// (unavailable).
class SLUICE_API Module {
 public:
  virtual ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Again to the same server: nothing. Error: invalid_params (its options), refused (it cannot be attached while the server
  /// runs, or is attached with other options).
  void attach(SignalingServer& server);
  [[nodiscard]] bool isAttached() const noexcept { return server_ != nullptr; }

  /// Any event of docs/api.md, by the forms of SignalingServer::on(); also before attach().
  template <typename Function>
  void on(const std::string& event, Function function) {
    listen(event, detail::handler_of(std::move(function)));
  }

 protected:
  using Hook = std::function<Json(const Json& request)>;

  /// `key`: of contract section 38; empty: nothing of the configuration belongs to it.
  Module(std::string key, Json options);
  /// A hook of the server that this object answers once it is attached.
  void answer(const std::string& hook, Hook handler);
  [[nodiscard]] Json ask(const std::string& method, Json params = Json::object()) const;
  [[nodiscard]] const Json& options() const noexcept { return options_; }

 private:
  void listen(const std::string& event, detail::Handler handler);

  std::string key_;
  Json options_;
  std::map<std::string, Hook> hooks_;
  std::vector<std::pair<std::string, detail::Handler>> waiting_;  // handlers from before attach()
  std::shared_ptr<detail::ServerState> server_;
};

}  // namespace sluice::rooms
