#include "control/app/abr_feature.hpp"

#include <charconv>

#include "control/app/operation_params.hpp"
#include "control/config/option.hpp"
#include "control/signaling/native/sfu_signaling.hpp"

namespace sluice::app {

using nlohmann::json;

namespace {

/// A JSON number; nothing when it is not there or something else.
std::optional<double> number_in(const JsonObject& payload, std::string_view key) {
  const auto value = payload.find(key);
  if (!value || value->kind() != JsonKind::number) return std::nullopt;
  const std::string_view raw = value->raw();
  double number = 0;
  if (std::from_chars(raw.data(), raw.data() + raw.size(), number).ec != std::errc()) return std::nullopt;
  return number;
}

}  // namespace

AbrFeature::AbrFeature(FeatureContext& context) : context_(context) {
  if (context.config.observability.adaptive_bitrate && context.publications != nullptr) put_into_place();
  add_operations();
}

void AbrFeature::put_into_place() {
  abr_ = std::make_unique<AdaptiveBitrate>(
      context_.bus, context_.rooms, *context_.publications, context_.state_log,
      [this](std::string_view event, const json& data) { context_.events.emit(event, data); }, options_of(context_.config),
      AdaptiveBitrate::Clocks{context_.now, context_.unix_ms});
  add_actions();
}

bool AbrFeature::attach(std::string_view module) {
  if (module != "adaptiveBitrate" || context_.publications == nullptr) return false;
  put_into_place();
  return true;
}

AdaptiveBitrateOptions AbrFeature::options_of(const config::ServerConfig& config) const {
  const config::AdaptiveBitrateConfig& own = *config.observability.adaptive_bitrate;
  AdaptiveBitrateOptions options;
  options.upgrade_hold = own.upgrade_hold;
  options.decay_interval = own.decay_interval;
  options.mobile_first = own.mobile_first;
  options.protect_active_speaker = own.protect_active_speaker;
  options.protect_screen_share = own.protect_screen_share;
  options.restrict_active_speaker = config::attached(config.tree, "policyEngine");
  return options;
}

void AbrFeature::add_actions() {
  SfuSignaling* sfu = context_.native.sfu();
  if (sfu == nullptr) return;
  sfu->add_action("feedback", [this](const PeerId& from, const JsonObject& payload, TimePoint now) {
    // A count that is there but is no number is none that could be obeyed (contract section 17).
    const auto count = number_in(payload, "count");
    if (!count && payload.find("count")) return;
    abr_->feedback(from, ConsumerId(payload.text("consumerId").value_or("")), payload.text("type").value_or(""), count,
                   number_in(payload, "bitrate"), now);
  });
  sfu->add_action("active-speaker", [this](const PeerId& from, const JsonObject& payload, TimePoint) {
    const auto active = payload.find("active");
    if (!active || active->kind() != JsonKind::boolean) return;
    abr_->report_speaker(from, ProducerId(payload.text("producerId").value_or("")), active->truthy());
  });
}

void AbrFeature::handle_timeout(TimePoint now) {
  if (abr_) abr_->handle_timeout(now);
}

TimePoint AbrFeature::next_deadline() const {
  return abr_ ? abr_->next_deadline() : never;
}

void AbrFeature::reload(const config::ServerConfig& config) {
  if (abr_ && config.observability.adaptive_bitrate) abr_->set_options(options_of(config), context_.now());
}

void AbrFeature::add_operations() {
  const auto attached = [this](auto answer) {
    return [this, answer](const json& params, const OperationCaller&, const OperationReply& reply) {
      if (!abr_)
        return reply(
            unexpected(OperationError{OperationError::Kind::unavailable, "AdaptiveBitrateController not attached"}));
      reply(answer(params));
    };
  };
  const auto known = [](bool done, const char* what, json answer) -> OperationResult {
    if (!done) return unexpected(OperationError{OperationError::Kind::not_found, std::string(what) + " not found"});
    return answer;
  };
  const Operation::Parameter producer{"producerId", "string", true, "what is published"};
  context_.operations.add({"abr.stats",
                           "the score and layer of each consumer",
                           {},
                           "{consumers[]}",
                           attached([this](const json&) -> OperationResult {
                             return json{{"consumers", abr_->stats()}};
                           })});
  context_.operations.add(
      {"abr.setActiveSpeaker",
       "gives all consumers of a producer the highest layer, and protects them",
       {producer},
       "{producerId, active: true}",
       attached([this, known](const json& params) {
         const std::string id = text_of(params, "producerId");
         return known(abr_->set_active_speaker(ProducerId(id)), "Producer", {{"producerId", id}, {"active", true}});
       })});
  context_.operations.add({"abr.clearActiveSpeaker",
                           "ends the protection of an active speaker",
                           {producer},
                           "{producerId, active: false}",
                           attached([this](const json& params) -> OperationResult {
                             const std::string id = text_of(params, "producerId");
                             abr_->clear_active_speaker(ProducerId(id));
                             return json{{"producerId", id}, {"active", false}};
                           })});
  context_.operations.add({"abr.markScreenShare",
                           "protects a screen share from the lowest layer",
                           {producer, {"screenShare", "boolean", false, "false takes it back; default true"}},
                           "{producerId, screenShare}",
                           attached([this, known](const json& params) {
                             const std::string id = text_of(params, "producerId");
                             const bool is_screen = flag_of(params, "screenShare", true);
                             return known(abr_->mark_screen_share(ProducerId(id), is_screen), "Producer",
                                          {{"producerId", id}, {"screenShare", is_screen}});
                           })});
  context_.operations.add(
      {"abr.forceLayer",
       "sets a consumer's layer at once",
       {{"consumerId", "string", true, "who receives"},
        {"layer", "string", true, "a name of the producer's layers, or high, mid, low"}},
       "{consumerId, layer}",
       attached([this, known](const json& params) {
         const std::string id = text_of(params, "consumerId");
         const std::string layer = text_of(params, "layer");
         return known(abr_->force_layer(ConsumerId(id), layer), "Consumer or layer", {{"consumerId", id}, {"layer", layer}});
       })});
}

}  // namespace sluice::app
