// How long records may be kept (audit_feature.hpp).
#include <unistd.h>

#include <string>
#include <utility>

#include "control/app/audit_feature.hpp"
#include "control/observability/log.hpp"

namespace sluice::app {
namespace {

using nlohmann::json;

constexpr std::size_t id_bytes_max = 512;

json list_of(const std::vector<RetentionRecord>& records) {
  json list = json::array();
  for (const RetentionRecord& record : records) list.push_back(record.to_json());
  const std::size_t count = list.size();
  return {{"records", std::move(list)}, {"count", count}};
}

/// `__sub` of the policy, else the peer itself.
std::string subject_of(const PeerSnapshot& peer) {
  const std::string* raw = peer.metadata.find("__sub");
  if (raw != nullptr) {
    const json value = json::parse(*raw, nullptr, false);
    if (value.is_string()) return value.get<std::string>();
  }
  return peer.id.value;
}

const std::string* text_of(const json& data, const char* name) {
  const auto found = data.find(name);
  return found == data.end() ? nullptr : found->get_ptr<const std::string*>();
}

}  // namespace

RetentionFeature::RetentionFeature(FeatureContext& context) {
  const config::RetentionPolicyConfig& config = *context.config.security.retention_policy;
  RetentionOptions options;
  options.recording_days = config.recording_days;
  options.audit_log_days = config.audit_log_days;
  options.session_days = config.session_days;
  options.sweep_interval = config.sweep_interval;
  policy_ = std::make_unique<RetentionPolicy>(
      context.store, context.bus, options, [&context] { return context.unix_ms(context.now()); },
      [](const std::string& path) {
        if (::unlink(path.c_str()) == 0) return true;
        log::warn("a recording whose time is over could not be deleted", {{"path", path}});
        return false;
      });
  add_operations(context.operations);
  register_by_itself(context);
  emit_events(context);
}

void RetentionFeature::add_operations(Operations& operations) {
  using Parameters = std::vector<Operation::Parameter>;
  const Parameters subject{{"sub", "string", true, "the subject"}};
  operations.add({"retention.register",
                  "Registers a record that must not be kept for ever.",
                  {{"id", "string", true, "its id; the same id replaces"},
                   {"type", "string", true, "recording, auditLog, session, room ..."},
                   {"sub", "string", true, "whom it is about"},
                   {"meta", "object", false, "anything; `path` of a recording is the file to delete"}},
                  "{id, type, sub, expiresAt, meta, legalHold}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    std::string id = params["id"];
                    std::string sub = params["sub"];
                    if (id.empty() || id.size() > id_bytes_max || sub.size() > id_bytes_max)
                      return reply(tl::unexpected(
                          OperationError{OperationError::Kind::invalid_params, "'id' and 'sub' may have 512 bytes."}));
                    const auto record =
                        policy_->add(std::move(id), params["type"], std::move(sub), params.value("meta", json::object()));
                    if (!record)
                      return reply(tl::unexpected(OperationError{OperationError::Kind::unavailable, "Too many records."}));
                    reply(record->to_json());
                  }});
  operations.add({"retention.hold", "Places a legal hold: records of the subject survive everything.", subject,
                  "{held: sub}", [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    const std::string sub = params["sub"];
                    policy_->place_legal_hold(sub);
                    reply(json{{"held", sub}});
                  }});
  operations.add({"retention.release", "Releases a legal hold.", subject, "{released: sub}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    const std::string sub = params["sub"];
                    policy_->release_legal_hold(sub);
                    reply(json{{"released", sub}});
                  }});
  operations.add({"retention.purge",
                  "Deletes expired records, or all of one subject; held ones stay.",
                  {{"sub", "string", false, "erase this subject"}, {"dryRun", "boolean", false, "only count"}},
                  "{purged, held, [skipped]}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    if (const auto sub = params.find("sub"); sub != params.end() && sub->is_string()) {
                      const RetentionPolicy::Purged result = policy_->purge_subject(sub->get<std::string>());
                      return reply(json{{"purged", result.purged}, {"held", result.held}});
                    }
                    const RetentionPolicy::Purged result = policy_->purge_expired(params.value("dryRun", false));
                    reply(json{{"purged", result.purged}, {"held", result.held}, {"skipped", result.skipped}});
                  }});
  operations.add({"retention.anonymise", "Replaces the subject of its records by a hash.", subject, "{anonymised}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    reply(json{{"anonymised", policy_->anonymise(params["sub"].get<std::string>())}});
                  }});
  operations.add({"retention.records", "Lists the records of a subject.", subject, "{records[], count}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    reply(list_of(policy_->records_for(params["sub"].get<std::string>())));
                  }});
  operations.add({"retention.expiring",
                  "Lists the records that expire soon and are not held.",
                  {{"withinMs", "integer", true, "milliseconds"}},
                  "{records[], count}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    reply(list_of(policy_->expiring_within(params["withinMs"].get<std::int64_t>())));
                  }});
  operations.add({"retention.stats",
                  "Counts records.",
                  {},
                  "{total, expired, held, active, legalHoldSubjects[]}",
                  [this](const json&, const OperationCaller&, const OperationReply& reply) {
                    const RetentionPolicy::Statistics statistics = policy_->statistics();
                    reply(json{{"total", statistics.total},
                               {"expired", statistics.expired},
                               {"held", statistics.held},
                               {"active", statistics.active},
                               {"legalHoldSubjects", statistics.legal_hold_subjects}});
                  }});
}

void RetentionFeature::register_by_itself(FeatureContext& context) {
  const auto clock = [&context] { return context.unix_ms(context.now()); };
  subscriptions_.push_back(context.bus.subscribe<PeerLeft>([this, clock](const PeerLeft& fact) {
    // One peer may leave several rooms in its life; each stay is a record.
    const std::int64_t at = clock();
    (void)policy_->add("session:" + fact.peer.id.value + ":" + std::to_string(at), "session", subject_of(fact.peer),
                       {{"peerId", fact.peer.id.value}, {"roomId", fact.room.value}, {"leftAt", at}});
  }));
  const auto record = [this](std::string_view event, const json& data, std::uint64_t) {
    if (event != "recording:stopped" || !data.is_object()) return;
    const std::string* session = text_of(data, "sessionId");
    const std::string* peer = text_of(data, "peerId");
    const std::string* path = text_of(data, "path");
    if (session == nullptr || peer == nullptr || path == nullptr || session->size() > id_bytes_max) return;
    json meta = {{"path", *path}, {"peerId", *peer}};
    if (const std::string* room = text_of(data, "roomId")) meta["roomId"] = *room;
    (void)policy_->add("recording:" + *session, "recording", *peer, std::move(meta));
  };
  events_ = context.events.listen(record, [](std::string_view event) { return event == "recording:stopped"; });
}

void RetentionFeature::emit_events(FeatureContext& context) {
  EventFeed& events = context.events;
  subscriptions_.push_back(context.bus.subscribe<DataExpired>([&events](const DataExpired& fact) {
    events.emit("record:purged", fact.record.to_json());
    events.emit("data:expired",
                {{"id", fact.record.id}, {"type", fact.record.type}, {"sub", fact.record.sub}, {"reason", fact.reason}});
  }));
  subscriptions_.push_back(context.bus.subscribe<RecordHeld>(
      [&events](const RecordHeld& fact) { events.emit("record:held", fact.record.to_json()); }));
  subscriptions_.push_back(context.bus.subscribe<DataPurged>([&events](const DataPurged& fact) {
    events.emit("data:purged", {{"sub", fact.sub}, {"purged", fact.purged}, {"held", fact.held}});
  }));
  subscriptions_.push_back(context.bus.subscribe<PurgeCompleted>([&events](const PurgeCompleted& fact) {
    events.emit("purge:complete", {{"purged", fact.purged}, {"held", fact.held}});
  }));
  subscriptions_.push_back(context.bus.subscribe<LegalHoldChanged>([&events](const LegalHoldChanged& fact) {
    events.emit(fact.placed ? "hold:placed" : "hold:released", {{"sub", fact.sub}});
  }));
}

}  // namespace sluice::app
