#pragma once

#include <functional>
#include <memory>

#include "control/loop/http_message.hpp"

namespace sluice::loop {

/// Answers one request: once, now or later (long polling), on the loop's thread. Copies share the one answer. If all copies
/// go without an answer, the client gets a 500. May outlive the server.
class HttpReply {
 public:
  using Answer = std::function<void(HttpResponse)>;
  explicit HttpReply(Answer answer);

  /// The first answer counts; after that, and when the client has gone, nothing happens.
  void operator()(HttpResponse response) const;
  /// Called once when the client goes before it was answered; at most some hundred milliseconds after it went. One handler:
  /// a later one replaces it. Not called for a client that is gone already.
  void on_abort(std::function<void()> handler) const;
  /// Whether an answer would still be sent.
  [[nodiscard]] bool is_open() const noexcept;

  /// For who made the reply: says that the client has gone. Does not keep the reply alive.
  class Aborter {
   public:
    void operator()() const;

   private:
    friend class HttpReply;
    std::weak_ptr<struct HttpReplyState> state_;
  };
  [[nodiscard]] Aborter aborter() const;

 private:
  std::shared_ptr<struct HttpReplyState> state_;
};

}  // namespace sluice::loop
