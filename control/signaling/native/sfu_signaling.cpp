#include "control/signaling/native/sfu_signaling.hpp"

#include <chrono>
#include <limits>
#include <utility>

#include "control/signaling/native/server_messages.hpp"

namespace sluice {
namespace {

std::optional<PublicationKind> kind_of(const std::optional<std::string>& text) {
  for (const auto kind : {PublicationKind::audio, PublicationKind::video, PublicationKind::data}) {
    if (text == to_string(kind)) return kind;
  }
  return std::nullopt;
}

/// The names in a `layers` array; empty (the default layers apply) when it is anything but a list of distinct texts.
std::vector<std::string> layers_of(const std::optional<JsonView>& value, std::size_t layers_max) {
  std::vector<std::string> layers;
  const auto elements = value ? value->as_array(layers_max) : std::nullopt;
  if (!elements) return layers;
  for (const JsonView& element : *elements) {
    auto name = element.as_string();
    if (!name || name->empty()) return {};
    layers.push_back(std::move(*name));
  }
  return layers;
}

std::vector<std::uint32_t> ssrcs_of(const std::optional<JsonView>& value, std::size_t ssrcs_max) {
  std::vector<std::uint32_t> ssrcs;
  const auto elements = value ? value->as_array(ssrcs_max) : std::nullopt;
  if (!elements) return ssrcs;
  for (const JsonView& element : *elements) {
    const auto number = element.as_integer();
    if (!number || *number < 0 || *number > std::numeric_limits<std::uint32_t>::max()) return {};
    ssrcs.push_back(static_cast<std::uint32_t>(*number));
  }
  return ssrcs;
}

/// Gives back a field as the client sent it; left out when it left it out.
void echo(JsonWriter& out, std::string_view key, const std::optional<JsonView>& value) {
  if (value) out.raw(key, value->raw());
}

}  // namespace

SfuSignaling::SfuSignaling(Rooms& rooms, Publications& publications, MediaSignaling& media, Outbox& outbox, Bus& bus,
                           SfuOptions options)
    : rooms_(rooms), publications_(publications), media_(media), outbox_(outbox), options_(std::move(options)) {
  follow(bus);
}

void SfuSignaling::handle(const PeerId& from, const JsonObject& payload, TimePoint now) {
  const std::string action = payload.text("__sfu").value_or("");
  if (action == "publish") return publish(from, payload, now);
  if (action == "unpublish") return unpublish(from, payload);
  if (action == "subscribe") return subscribe(from, payload, now);
  if (action == "unsubscribe") return unsubscribe(from, payload);
  if (action == "layers") return select_layer(from, payload);
  if (action == "pause") return pause_publication(from, payload, true);
  if (action == "resume") return pause_publication(from, payload, false);
  if (action == "consumer-pause") return pause_subscription(from, payload, true);
  if (action == "consumer-resume") return pause_subscription(from, payload, false);
  if (const auto added = actions_.find(action); added != actions_.end()) return added->second(from, payload, now);
  JsonWriter error = native::error("SFU_UNKNOWN_ACTION");
  echo(error, "action", payload.find("__sfu"));
  outbox_.send(from, error.finish());
}

// --- publications
// -----------------------------------------------------------------------------------------------------------

void SfuSignaling::publish(const PeerId& from, const JsonObject& payload, TimePoint now) {
  const auto kind = kind_of(payload.text("kind"));
  if (!kind) {
    JsonWriter error = native::error("SFU_INVALID_KIND");
    echo(error, "kind", payload.find("kind"));
    return outbox_.send(from, error.finish());
  }
  PublishRequest request{*kind, payload.text("trackId").value_or(""), layers_of(payload.find("layers"), options_.layers_max),
                         payload.text("mid"), ssrcs_of(payload.find("ssrcs"), options_.ssrcs_max)};
  const auto made = publications_.publish(from, std::move(request), now);
  if (!made && made.error() == PublicationError::not_permitted) return outbox_.send(from, native::policy_denied("publish"));
  if (!made) refuse(from, made.error(), "kind", payload.find("kind"));
}

void SfuSignaling::unpublish(const PeerId& from, const JsonObject& payload) {
  const auto echoed = payload.find("producerId");
  const ProducerId producer(payload.text("producerId").value_or(""));
  const Publication* found = publications_.find(producer);
  if (found != nullptr && found->peer != from && rooms_.same_room(from, found->peer)) {
    return refuse(from, PublicationError::not_owner, "producerId", echoed);
  }
  JsonWriter reply("sfu:unpublished");
  echo(reply, "producerId", echoed);
  outbox_.send(from, reply.finish());
  // A producer that is unknown (here or anywhere) has been answered, and that is all.
  if (found != nullptr) (void)publications_.unpublish(from, producer);
}

void SfuSignaling::pause_publication(const PeerId& from, const JsonObject& payload, bool paused) {
  const ProducerId producer(payload.text("producerId").value_or(""));
  if (!publications_.set_publication_paused(from, producer, paused)) return;
  outbox_.send(from, JsonWriter(paused ? "sfu:paused" : "sfu:resumed").string("producerId", producer.value).finish());
}

// --- subscriptions
// ----------------------------------------------------------------------------------------------------------

void SfuSignaling::subscribe(const PeerId& from, const JsonObject& payload, TimePoint now) {
  const auto made = publications_.subscribe(from, ProducerId(payload.text("producerId").value_or("")), now);
  if (!made && made.error() == PublicationError::not_permitted) return outbox_.send(from, native::policy_denied("subscribe"));
  if (!made) refuse(from, made.error(), "producerId", payload.find("producerId"));
}

void SfuSignaling::unsubscribe(const PeerId& from, const JsonObject& payload) {
  const ConsumerId consumer(payload.text("consumerId").value_or(""));
  if (publications_.unsubscribe(from, consumer)) return;  // answered by the fact
  JsonWriter reply("sfu:unsubscribed");
  echo(reply, "consumerId", payload.find("consumerId"));
  outbox_.send(from, reply.finish());
}

void SfuSignaling::select_layer(const PeerId& from, const JsonObject& payload) {
  const auto layer = payload.find("layer");
  const ConsumerId consumer(payload.text("consumerId").value_or(""));
  const auto done = publications_.select_layer(from, consumer, payload.text("layer").value_or(""));
  if (done) {
    JsonWriter reply("sfu:layer:changed");
    reply.string("consumerId", consumer.value);
    echo(reply, "layer", layer);
    return outbox_.send(from, reply.finish());
  }
  if (done.error() != PublicationError::no_such_layer) return;
  JsonWriter error = native::error("SFU_INVALID_LAYER");
  echo(error, "layer", layer);
  error.raw("available", native::texts_json(publications_.find(publications_.find(consumer)->producer)->layers));
  outbox_.send(from, error.finish());
}

void SfuSignaling::pause_subscription(const PeerId& from, const JsonObject& payload, bool paused) {
  const ConsumerId consumer(payload.text("consumerId").value_or(""));
  if (!publications_.set_subscription_paused(from, consumer, paused)) return;
  const std::string_view type = paused ? "sfu:consumer:paused" : "sfu:consumer:resumed";
  outbox_.send(from, JsonWriter(type).string("consumerId", consumer.value).finish());
}

void SfuSignaling::refuse(const PeerId& to, PublicationError reason, std::string_view key,
                          const std::optional<JsonView>& echoed) {
  switch (reason) {
    case PublicationError::own:
      return outbox_.send(to, native::error("SFU_CANNOT_SUBSCRIBE_OWN").finish());
    case PublicationError::too_many:
      return outbox_.send(to, native::error_text("RATE_LIMITED", "Too many publications or subscriptions"));
    case PublicationError::not_found:
    case PublicationError::not_owner: {
      JsonWriter error = native::error(reason == PublicationError::not_owner ? "SFU_NOT_OWNER" : "SFU_PRODUCER_NOT_FOUND");
      echo(error, key, echoed);
      return outbox_.send(to, error.finish());
    }
    case PublicationError::not_permitted:  // answered where it arises
    case PublicationError::not_in_room:    // gone meanwhile
    case PublicationError::no_such_layer:  // answered where it arises
      return;
  }
}

// --- negotiation
// --------------------------------------------------------------------------------------------------------------

void SfuSignaling::negotiate(const PeerId& from, std::string_view type, const JsonView& body, TimePoint now) {
  if (type == "ice-candidate") return media_.handle_candidate(from, body.raw());
  if (!within_rate(from, now)) {
    return outbox_.send(
        from, native::error_text("RATE_LIMITED", "Too many session descriptions to __sfu__; try again in a minute"));
  }
  if (type == "offer") offer(from, body, now);
  // An answer answers nothing: the client always offers.
}

bool SfuSignaling::within_rate(const PeerId& from, TimePoint now) {
  Window& window = rates_[from];
  if (window.count == 0 || now - window.begin >= std::chrono::minutes(1)) window = {now, 0};
  if (window.count >= options_.sdp_per_minute_max) return false;
  ++window.count;
  return true;
}

void SfuSignaling::offer(const PeerId& from, const JsonView& sdp, TimePoint now) {
  // Clients send either the text or the whole RTCSessionDescription; the answer comes in the same form.
  const auto description = JsonObject::of(sdp);
  const auto text = description ? description->text("sdp") : sdp.as_string();
  if (!text) return outbox_.send(from, native::error_text("SFU_OFFER_INVALID", "sdp must be a text or {type, sdp}"));

  answering_ = from;
  auto answer = media_.handle_offer(from, *text, now);
  answering_.reset();
  std::vector<ConsumerReady> ready = std::exchange(waiting_, {});
  if (answer) {
    std::string body;
    append_json_string(body, answer->sdp);
    if (description) body = JsonWriter("answer").raw("sdp", body).finish();
    outbox_.send(from, native::relayed("answer", sfu_peer_id, "sdp", body));
    for (auto& [consumer, mid] : answer->ready) ready.push_back({from, std::move(consumer), std::move(mid)});
  } else {
    outbox_.send(from, native::error_text(answer.error().code, answer.error().message));
  }
  for (const ConsumerReady& fact : ready) tell_mid(fact.peer, fact.consumer, fact.mid);
}

void SfuSignaling::tell_mid(const PeerId& peer, const ConsumerId& consumer, const std::string& mid) {
  if (publications_.find(consumer) == nullptr) return;
  std::string& told = told_mids_[consumer];
  if (told == mid) return;
  told = mid;
  outbox_.send(peer, JsonWriter("sfu:consumer:ready").string("consumerId", consumer.value).string("mid", mid).finish());
}

}  // namespace sluice
