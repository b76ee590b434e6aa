#include "control/app/audit_feature.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <utility>

#include "control/api/facts.hpp"
#include "control/config/sources.hpp"
#include "control/json/json_writer.hpp"
#include "control/observability/facts.hpp"
#include "control/observability/log.hpp"
#include "control/security/address.hpp"

namespace sluice::app {
namespace {

using nlohmann::json;

constexpr Duration look_period = std::chrono::seconds(1);
constexpr std::size_t export_max = 100'000;  // contract section 37, row 2
/// Says that an earlier control process of this server has had the log open.
constexpr std::string_view lived_key = "app/audit";

/// Events of other modules that the log takes down under their own names: policy, consent, moderation, recording, API
/// access.
constexpr std::array<std::string_view, 23> taken_down{"policy:violation",
                                                      "policy:issued",
                                                      "consent:granted",
                                                      "consent:withdrawn",
                                                      "mute",
                                                      "unmute",
                                                      "kick",
                                                      "warn",
                                                      "room:locked",
                                                      "room:unlocked",
                                                      "abuse:reported",
                                                      "recording:started",
                                                      "recording:stopped",
                                                      "recording:failed",
                                                      "admin:access",
                                                      "violation",
                                                      "hold:placed",
                                                      "hold:released",
                                                      "data:purged",
                                                      "data:expired",
                                                      "session:expired",
                                                      "load:shedding",
                                                      "module:attached"};

/// The members of an object as they stand in an entry. Those that the entry has itself are left out, addresses are redacted,
/// tokens never get in.
std::string members_of(const json& data, const AuditLog& log) {
  std::string out;
  if (!data.is_object()) return out;
  for (const auto& [name, value] : data.items()) {
    if (name == "ts" || name == "service" || name == "event" || name == "seq" || name == "chain" || name == "token")
      continue;
    if (!out.empty()) out += ',';
    append_json_string(out, name);
    out += ':';
    if (value.is_string()) {
      const std::string text = value.get<std::string>();
      append_json_string(out, name == "ip" ? log.address(text) : text);
    } else {
      out += value.dump(-1, ' ', false, json::error_handler_t::replace);
    }
  }
  return out;
}

AuditLogOptions log_options(const config::AuditLoggerConfig& config, int folder) {
  AuditLogOptions options;
  options.ring_size = config.ring_size;
  options.service = config.service;
  options.chain_key = config.chain_key;
  options.redact_ip = config.redact_ip;
  options.redact_key = config.redact_key;
  if (!config.file_path.empty()) {
    AuditFile::Options file;
    file.folder = folder;
    file.name = std::filesystem::path(config.file_path).filename().string();
    file.size_max = config.max_file_size;
    options.file = file;
  }
  return options;
}

json parsed(const std::vector<std::string>& lines) {
  json list = json::array();
  for (const std::string& line : lines) list.push_back(json::parse(line, nullptr, false));
  return list;
}

std::optional<std::int64_t> time_of(const json& params, const char* name) {
  const auto given = params.find(name);
  if (given == params.end() || !given->is_number_integer()) return std::nullopt;
  return given->get<std::int64_t>();
}

OperationError busy() {
  return {OperationError::Kind::unavailable, "Too many searches of the audit log are under way; try again."};
}

}  // namespace

AuditFeature::AuditFeature(FeatureContext& context) : bus_(context.bus) {
  const config::AuditLoggerConfig& config = *context.config.security.audit_logger;
  log_ = std::make_unique<AuditLog>(log_options(config, context.audit_folder), context.state_log,
                                    [&context] { return context.unix_ms(context.now()); });
  const AuditStatistics at_start = log_->statistics();
  if (!at_start.writes) {
    // A server that starts must not seem to keep a record. One that goes on after a death of control must go on.
    if (!context.state_log.get(lived_key))
      throw config::ConfigError("'auditLogger.filePath' " + config.file_path + ": " + at_start.problem +
                                "; give the folder to the user that control runs as, or name another one.");
    log::error("the audit log cannot be written", {{"reason", at_start.problem}});
  }
  (void)context.state_log.put(lived_key, as_bytes("1"));
  log_->on_health_changed([&context](const std::string& problem) {
    if (problem.empty()) {
      log::info("the audit log is written again");
    } else {
      log::error("ALERT: the audit log", {{"problem", problem}});
    }
    context.events.emit("audit:health", {{"healthy", problem.empty()}, {"problem", problem}});
    context.bus.publish(PartTroubled{"audit", problem, AlertSeverity::critical});
  });
  watch_ = context.loop.readable(log_->fd(), [this] { log_->drain(); });
  if (!config.syslog.empty()) {
    syslog_ = std::make_unique<SyslogSink>(config.syslog, config.service);
    if (!syslog_->usable()) log::warn("the syslog daemon cannot be reached yet", {{"target", config.syslog}});
    log_->add_sink(*syslog_);
  }
  if (!config.sink_url.empty()) {
    http_ = std::make_unique<AuditHttpSink>(context.http, config.sink_url);
    log_->add_sink(*http_);
  }
  if (syslog_ || http_) next_look_ = context.now() + look_period;
  hook_ = std::make_unique<AuditHookSink>(context.hooks, context.now);
  log_->add_sink(*hook_);
  // Threads begin behind the system call filter, so in the loop's first turn.
  begin_ = context.loop.timer([this] { log_->begin(); });
  begin_->arm(context.now());
  trail_ = std::make_unique<AuditTrail>(context.rooms, context.bus, *log_);
  take_down_events(context);
  take_down_access(context.bus);
  add_operations(context);
  gate_operations(context.operations);
  context.collectors.push_back([this](PrometheusText& out) { collect(out); });
}

void AuditFeature::handle_timeout(TimePoint now) {
  if (now < next_look_) return;
  next_look_ = now + look_period;
  const auto look = [&](SinkWatch& watch, const auto& sink, const char* part) {
    if (!watch.look(sink.sent(), sink.dropped(), now)) return;
    if (watch.problem().empty()) {
      log::info("a sink of the audit log keeps up again", {{"part", part}});
    } else {
      log::warn("a sink of the audit log falls behind", {{"part", part}, {"problem", watch.problem()}});
    }
    bus_.publish(PartTroubled{part, watch.problem(), AlertSeverity::warning});
  };
  if (syslog_) look(syslog_watch_, *syslog_, "audit.syslog");
  if (http_) look(http_watch_, *http_, "audit.http");
}

void AuditFeature::take_down_events(FeatureContext& context) {
  const auto known = [](std::string_view event) { return std::ranges::find(taken_down, event) != taken_down.end(); };
  events_ = context.events.listen(
      [this, known](std::string_view event, const json& data, std::uint64_t) {
        if (known(event)) log_->log(event, members_of(data, *log_));
      },
      known);
}

void AuditFeature::take_down_access(Bus& bus) {
  access_ = bus.subscribe<ApiAccessed>([this](const ApiAccessed& fact) {
    // Probes that come every few seconds and change nothing would bury the rest.
    const bool probe = fact.path.ends_with("/metrics") || fact.path.ends_with("/health");
    if (probe && fact.status < 400) return;
    std::string members = R"("api":)";
    append_json_string(members, fact.api);
    members += R"(,"method":)";
    append_json_string(members, fact.method);
    members += R"(,"path":)";
    append_json_string(members, fact.path);
    members += R"(,"status":)" + std::to_string(fact.status) + R"(,"caller":)";
    append_json_string(members, is_address(fact.caller) ? log_->address(fact.caller) : fact.caller);
    log_->log("admin:access", members);
  });
}

void AuditFeature::gate_operations(Operations& operations) {
  operations.set_gate(
      [this](const Operation& operation, const json& params, const OperationCaller& caller, std::function<void(bool)> done) {
        std::string members;
        append_json_string(members, "operation");
        members += ':';
        append_json_string(members, operation.name);
        members += R"(,"origin":)";
        append_json_string(members, caller.origin);
        members += R"(,"caller":)";
        append_json_string(members, caller.name);
        if (std::string more = members_of(params, *log_); !more.empty()) members += R"(,"params":{)" + more + "}";
        log_->log("admin:operation", members);
        log_->commit(std::move(done));
      });
}

void AuditFeature::add_operations(FeatureContext& context) {
  Operations& operations = context.operations;
  operations.add({"audit.query",
                  "Finds the last entries that fit, oldest first.",
                  {{"limit", "integer", false, "how many, default 100"},
                   {"event", "string", false, "only this event"},
                   {"peerId", "string", false, "only this peer"},
                   {"roomId", "string", false, "only this room"},
                   {"since", "integer", false, "only from this time on, Unix milliseconds"},
                   {"until", "integer", false, "only up to this time, Unix milliseconds"}},
                  "{entries[], count}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    AuditFilter filter;
                    const std::int64_t limit = params.value("limit", std::int64_t{100});
                    if (limit < 0 || limit > static_cast<std::int64_t>(export_max))
                      return reply(tl::unexpected(
                          OperationError{OperationError::Kind::invalid_params, "'limit' must be from 0 to 100000."}));
                    filter.limit = static_cast<std::size_t>(limit);
                    filter.event = params.value("event", "");
                    filter.peer = params.value("peerId", "");
                    filter.room = params.value("roomId", "");
                    filter.since = time_of(params, "since");
                    filter.until = time_of(params, "until");
                    // Parsing a hundred thousand lines is not the loop's business.
                    log_->query_prepared(std::move(filter), [reply](AuditLog::Lines lines) -> std::function<void()> {
                      if (!lines) return [reply] { reply(tl::unexpected(busy())); };
                      return [reply, entries = std::make_shared<json>(parsed(*lines))] {
                        const std::size_t count = entries->size();
                        reply(json{{"entries", std::move(*entries)}, {"count", count}});
                      };
                    });
                  }});
  operations.add({"audit.export",
                  "The newest entries as NDJSON text, oldest first, page by page of about 1 MiB.",
                  {{"limit", "integer", false, "how many, default and at most 100000"},
                   {"after", "integer", false, "`next` of the page before"},
                   {"to", "integer", false, "`to` of the page before"}},
                  "{contentType, ndjson, count, next: null after the last page, to}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    const auto number = [&](const char* name, std::uint64_t otherwise) {
                      const auto given = params.find(name);
                      return given == params.end() || !given->is_number_unsigned() ? otherwise : given->get<std::uint64_t>();
                    };
                    const std::uint64_t newest = log_->checkpoint().seq;
                    const std::uint64_t to = std::min(number("to", newest), newest);
                    const auto limit = static_cast<std::uint64_t>(std::clamp<std::int64_t>(
                        params.value("limit", static_cast<std::int64_t>(export_max)), 0, export_max));
                    const std::uint64_t after = number("after", to - std::min(to, limit));
                    log_->page(after, to, [reply, to](std::optional<AuditPage> page) {
                      if (!page) return reply(tl::unexpected(busy()));
                      reply(json{{"contentType", "application/x-ndjson"},
                                 {"ndjson", std::move(page->text)},
                                 {"count", page->count},
                                 {"next", page->last < to ? json(page->last) : json()},
                                 {"to", to}});
                    });
                  }});
  operations.add({"audit.sync",
                  "Answers when every entry so far has reached the disk.",
                  {},
                  "{durable: true}",
                  [this](const json&, const OperationCaller&, const OperationReply& reply) {
                    log_->commit([reply](bool durable) {
                      if (!durable)
                        return reply(tl::unexpected(OperationError{OperationError::Kind::unavailable,
                                                                   "The audit log cannot be written or synced."}));
                      reply(json{{"durable", true}});
                    });
                  }});
  operations.add({"audit.record",
                  "Adds an entry of one's own.",
                  {{"event", "string", true, "its name"}, {"fields", "object", false, "its further members"}},
                  "{recorded: true}",
                  [this](const json& params, const OperationCaller&, const OperationReply& reply) {
                    log_->log(params["event"].get<std::string>(), members_of(params.value("fields", json::object()), *log_));
                    reply(json{{"recorded", true}});
                  }});
  operations.add({"audit.checkpoint",
                  "Where the chain stands, to be kept elsewhere for 'sluice audit verify'.",
                  {},
                  "{seq, chain}",
                  [this](const json&, const OperationCaller&, const OperationReply& reply) {
                    const AuditCheckpoint checkpoint = log_->checkpoint();
                    if (!log_->chained())
                      return reply(tl::unexpected(OperationError{OperationError::Kind::unavailable,
                                                                 "There is no chain: set auditLogger.chainKey."}));
                    reply(json{{"seq", checkpoint.seq}, {"chain", checkpoint.hash}});
                  }});
  operations.add({"audit.status",
                  "Figures and health of the audit log.",
                  {},
                  "{entries, lost, syncs, rotations, writeErrors, waiting, writes, acknowledges, chained, problem}",
                  [this](const json&, const OperationCaller&, const OperationReply& reply) {
                    const AuditStatistics statistics = log_->statistics();
                    reply(json{{"entries", statistics.entries},
                               {"lost", statistics.lost},
                               {"syncs", statistics.syncs},
                               {"rotations", statistics.rotations},
                               {"writeErrors", statistics.write_errors},
                               {"waiting", statistics.waiting},
                               {"writes", statistics.writes},
                               {"acknowledges", statistics.acknowledges},
                               {"chained", log_->chained()},
                               {"problem", statistics.problem}});
                  }});
}

void AuditFeature::collect(PrometheusText& out) const {
  using Type = PrometheusText::Type;
  const AuditStatistics statistics = log_->statistics();
  const auto figure = [](std::uint64_t value) { return static_cast<double>(value); };
  out.single("sluice_audit_entries_total", Type::counter, "Entries of the audit log.", figure(statistics.entries));
  out.single("sluice_audit_lost_total", Type::counter, "Entries that the disk did not take in time.",
             figure(statistics.lost));
  out.single("sluice_audit_syncs_total", Type::counter, "Groups of entries that reached the disk.",
             figure(statistics.syncs));
  out.single("sluice_audit_write_errors_total", Type::counter, "Writes that the disk refused.",
             figure(statistics.write_errors));
  out.single("sluice_audit_searched_bytes_total", Type::counter, "Bytes of the files that were read for questions.",
             figure(statistics.searched_bytes));
  out.single("sluice_audit_waiting", Type::gauge, "Entries that wait to be written.", figure(statistics.waiting));
  out.single("sluice_audit_acknowledges", Type::gauge, "0: after a failed sync security actions are no longer acknowledged.",
             statistics.acknowledges ? 1 : 0);
  if (http_) {
    out.single("sluice_audit_http_dropped_total", Type::counter, "Entries that auditLogger.sinkUrl did not take.",
               figure(http_->dropped()));
  }
  if (syslog_) {
    out.single("sluice_audit_syslog_dropped_total", Type::counter, "Entries that the syslog daemon did not take.",
               figure(syslog_->dropped()));
  }
}

}  // namespace sluice::app
