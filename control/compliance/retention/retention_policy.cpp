#include "control/compliance/retention/retention_policy.hpp"

#include <openssl/evp.h>

#include <array>
#include <utility>

namespace sluice {
namespace {

using nlohmann::json;

constexpr std::string_view records_table = "retention";
constexpr std::string_view holds_table = "retention_holds";

std::string anonymous(const std::string& sub) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(sub.data(), sub.size(), digest.data(), &size, EVP_sha256(), nullptr);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "anon:";
  for (std::size_t i = 0; i < 8; ++i) {
    out += digits[digest[i] >> 4U];
    out += digits[digest[i] & 15U];
  }
  return out;
}

}  // namespace

json RetentionRecord::to_json() const {
  return {{"id", id}, {"type", type}, {"sub", sub}, {"expiresAt", expires_at}, {"meta", meta}, {"legalHold", legal_hold}};
}

std::optional<RetentionRecord> RetentionRecord::from_json(const json& value) {
  const auto text = [&](const char* name) -> std::optional<std::string> {
    const auto found = value.find(name);
    if (found == value.end() || !found->is_string()) return std::nullopt;
    return found->get<std::string>();
  };
  if (!value.is_object()) return std::nullopt;
  const auto id = text("id");
  const auto type = text("type");
  const auto sub = text("sub");
  const auto expires = value.find("expiresAt");
  if (!id || !type || !sub || expires == value.end() || !expires->is_number_integer()) return std::nullopt;
  RetentionRecord record{*id, *type, *sub, expires->get<std::int64_t>()};
  if (const auto meta = value.find("meta"); meta != value.end() && meta->is_object()) record.meta = *meta;
  if (const auto hold = value.find("legalHold"); hold != value.end() && hold->is_boolean())
    record.legal_hold = hold->get<bool>();
  return record;
}

RetentionPolicy::RetentionPolicy(Store& store, Bus& bus, RetentionOptions options, UnixClock unix_ms, DeleteFile delete_file)
    : store_(store), bus_(bus), options_(options), unix_ms_(std::move(unix_ms)), delete_file_(std::move(delete_file)) {
  store_.load(holds_table, [&](std::string_view sub, std::string_view) { holds_.emplace(sub); });
  std::vector<std::string> damaged;
  store_.load(records_table, [&](std::string_view key, std::string_view text) {
    if (auto record = RetentionRecord::from_json(json::parse(text, nullptr, false))) {
      records_.insert_or_assign(std::string(key), std::move(*record));
    } else {
      damaged.emplace_back(key);
    }
  });
  for (const std::string& key : damaged) store_.erase(records_table, key);
}

std::chrono::milliseconds RetentionPolicy::kept(std::string_view type) const {
  const std::uint32_t days = type == "recording"                     ? options_.recording_days
                             : type == "auditLog" || type == "audit" ? options_.audit_log_days
                                                                     : options_.session_days;
  return std::chrono::hours(24) * days;
}

void RetentionPolicy::write(const RetentionRecord& record) {
  store_.put(records_table, record.id, record.to_json().dump(-1, ' ', false, json::error_handler_t::replace));
}

std::optional<RetentionRecord> RetentionPolicy::add(std::string id, std::string type, std::string sub, json meta) {
  if (records_.size() >= records_max && !records_.contains(id)) return std::nullopt;
  RetentionRecord record{std::move(id), std::move(type), std::move(sub), 0};
  record.expires_at = unix_ms_() + kept(record.type).count();
  if (meta.is_object()) record.meta = std::move(meta);
  record.legal_hold = holds_.contains(record.sub);
  write(record);
  records_.insert_or_assign(record.id, record);
  return record;
}

void RetentionPolicy::place_legal_hold(const std::string& sub) {
  if (!holds_.insert(sub).second) return;
  store_.put(holds_table, sub, "1");
  for (auto& [id, record] : records_) {
    if (record.sub != sub || record.legal_hold) continue;
    record.legal_hold = true;
    write(record);
  }
  bus_.publish(LegalHoldChanged{sub, true});
}

void RetentionPolicy::release_legal_hold(const std::string& sub) {
  if (holds_.erase(sub) == 0) return;
  store_.erase(holds_table, sub);
  for (auto& [id, record] : records_) {
    if (record.sub != sub || !record.legal_hold) continue;
    record.legal_hold = false;
    write(record);
  }
  bus_.publish(LegalHoldChanged{sub, false});
}

RetentionPolicy::Records::iterator RetentionPolicy::expire(Records::iterator record, const char* reason) {
  RetentionRecord gone = std::move(record->second);
  store_.erase(records_table, record->first);
  const auto next = records_.erase(record);
  const auto path = gone.meta.find("path");
  if (gone.type == "recording" && path != gone.meta.end() && path->is_string()) (void)delete_file_(path->get<std::string>());
  bus_.publish(DataExpired{std::move(gone), reason});
  return next;
}

RetentionPolicy::Purged RetentionPolicy::purge_expired(bool dry_run) {
  Purged result;
  const std::int64_t now = unix_ms_();
  for (auto record = records_.begin(); record != records_.end();) {
    if (record->second.expires_at > now) {
      ++result.skipped;
    } else if (record->second.legal_hold) {
      ++result.held;
      if (!dry_run) bus_.publish(RecordHeld{record->second});
    } else {
      ++result.purged;
      if (!dry_run) {
        record = expire(record, "expiry");
        continue;
      }
    }
    ++record;
  }
  if (!dry_run) bus_.publish(PurgeCompleted{result.purged, result.held});
  return result;
}

RetentionPolicy::Purged RetentionPolicy::purge_subject(const std::string& sub) {
  Purged result;
  std::vector<RetentionRecord> gone;
  for (auto record = records_.begin(); record != records_.end();) {
    if (record->second.sub != sub) {
      ++record;
    } else if (record->second.legal_hold) {
      ++result.held;
      ++record;
    } else {
      ++result.purged;
      if (gone.size() < told_max) gone.push_back(record->second);
      record = expire(record, "purge");
    }
  }
  bus_.publish(DataPurged{sub, result.purged, result.held, std::move(gone)});
  return result;
}

std::size_t RetentionPolicy::anonymise(const std::string& sub) {
  std::size_t count = 0;
  const std::string other = anonymous(sub);
  for (auto& [id, record] : records_) {
    if (record.sub != sub || record.legal_hold) continue;
    record.sub = other;
    write(record);
    ++count;
  }
  return count;
}

std::vector<RetentionRecord> RetentionPolicy::records_for(const std::string& sub) const {
  std::vector<RetentionRecord> result;
  for (const auto& [id, record] : records_) {
    if (record.sub == sub) result.push_back(record);
  }
  return result;
}

std::vector<RetentionRecord> RetentionPolicy::expiring_within(std::int64_t ms) const {
  std::vector<RetentionRecord> result;
  const std::int64_t now = unix_ms_();
  for (const auto& [id, record] : records_) {
    if (!record.legal_hold && record.expires_at - now <= ms) result.push_back(record);
  }
  return result;
}

RetentionPolicy::Statistics RetentionPolicy::statistics() const {
  Statistics result;
  const std::int64_t now = unix_ms_();
  for (const auto& [id, record] : records_) {
    ++result.total;
    if (record.expires_at <= now)
      ++result.expired;
    else
      ++result.active;
    if (record.legal_hold) ++result.held;
  }
  result.legal_hold_subjects.assign(holds_.begin(), holds_.end());
  return result;
}

void RetentionPolicy::handle_timeout(TimePoint now) {
  if (now < next_sweep_) return;
  const bool first = next_sweep_ == TimePoint{};
  next_sweep_ = now + options_.sweep_interval;
  if (!first) (void)purge_expired();
}

}  // namespace sluice
