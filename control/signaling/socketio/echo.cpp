#include "control/signaling/socketio/echo.hpp"

#include <chrono>
#include <utility>

namespace sluice::socketio {

void EchoApplication::on_connect(SocketKey socket, const ConnectRequest& request, TimePoint now) {
  constexpr Duration greeting_delay = std::chrono::milliseconds(10);  // of 300 until the first ping
  greetings_.push_back({now + greeting_delay, socket, std::string(request.auth.raw())});
}

void EchoApplication::handle_timeout(TimePoint now) {
  while (next_deadline() <= now) {
    const Greeting greeting = std::move(greetings_.front());
    greetings_.pop_front();
    EventText event("auth");
    event.argument(greeting.auth);
    server_.emit(greeting.socket, event, now);  // nothing, if it has gone
  }
}

void EchoApplication::on_event(SocketKey socket, const Event& event, TimePoint now) {
  const bool back = event.name == "message";
  if (!back && (event.name != "message-with-ack" || !event.ack)) return;
  EventText answer = back ? EventText("message-back") : EventText::acknowledgement();
  for (const JsonView& argument : event.arguments) answer.relayed(argument.raw(), event.attachments);
  back ? server_.emit(socket, answer, now) : server_.acknowledge(socket, *event.ack, answer, now);
}

void EngineEcho::on_message(SessionKey session, std::string_view data, bool binary, TimePoint now) {
  std::string text = binary ? "" : "4";
  text += data;
  engine_->send(session, std::make_shared<const std::string>(std::move(text)), binary, now);
}

EngineSettings conformance_settings() {
  EngineSettings settings;
  settings.ping_interval = std::chrono::milliseconds(300);
  settings.ping_timeout = std::chrono::milliseconds(200);
  settings.connect_timeout = std::chrono::milliseconds(1000);
  return settings;
}

}  // namespace sluice::socketio
