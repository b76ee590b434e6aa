#include "dataplane/worker/wish_log.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <deque>
#include <span>
#include <string>

#include "dataplane/worker/command_reader.hpp"
#include "dataplane/worker/wish_codec.hpp"
#include "shm/channel/message_rules.hpp"

namespace sluice {
namespace {

constexpr std::string_view generation_key = "g";

std::string row_key(char kind, std::uint32_t slot) {
  return std::string(1, kind) + '/' + std::to_string(slot);
}
std::string spent_prefix(std::uint32_t slot) {
  return "u/" + std::to_string(slot) + '/';
}
std::string spent_key(const WishLog::SpentSsrc& spent) {
  return spent_prefix(spent.first) + std::to_string(spent.second.value);
}
std::string departed_key(char kind, std::uint64_t transport) {
  return std::string(1, kind) + '/' + std::to_string(transport);
}
/// In order of numbers as text.
std::string message_key(TransportId transport, std::size_t number) {
  const std::string digits = std::to_string(number);
  return departed_key('x', transport.packed()) + '/' + std::string(6 - std::min<std::size_t>(digits.size(), 6), '0') +
         digits;
}
std::string blame_key(TransportId id) {
  return "b/" + std::to_string(id.packed());
}

template <typename Number>
Number number_of(std::string_view text) {
  Number value{};
  (void)std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::vector<std::byte> bytes_of(std::uint64_t number) {
  std::vector<std::byte> bytes(sizeof(number));
  std::memcpy(bytes.data(), &number, sizeof(number));
  return bytes;
}
std::uint64_t number_in(Bytes bytes) {
  std::uint64_t number = 0;
  if (bytes.size() == sizeof(number)) std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

/// The changes of a batch together with what they borrow.
class Batch {
 public:
  void put(std::string key, std::vector<std::byte> value) {
    keys_.push_back(std::move(key));
    values_.push_back(std::move(value));
    changes_.push_back({keys_.back(), Bytes(values_.back())});
  }
  void forget(std::string key) {
    keys_.push_back(std::move(key));
    changes_.push_back({keys_.back(), std::nullopt});
  }
  bool apply(StateLog& log) const { return log.apply(changes_).has_value(); }

 private:
  std::deque<std::string> keys_;  // deques, because the changes point into them
  std::deque<std::vector<std::byte>> values_;
  std::vector<StateChange> changes_;
};

template <typename Spec>
void add_rows(Batch& batch, char kind, const DesiredRows<Spec>& rows, const std::vector<std::uint32_t>& slots) {
  for (const std::uint32_t slot : slots) {
    const auto row = rows.find(slot);
    if (row == rows.end()) {
      batch.forget(row_key(kind, slot));
    } else {
      batch.put(row_key(kind, slot), encode_wish(row->second));
    }
  }
}

/// FlatBuffers want alignment, which the log does not give.
const schema::Command* command_in(Bytes bytes, std::vector<std::uint64_t>& storage) {
  storage.assign((bytes.size() + 7) / 8, 0);
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<std::byte*>(storage.data()));
  return verified_command({reinterpret_cast<const std::byte*>(storage.data()), bytes.size()});
}

}  // namespace

bool WishLog::commit(std::uint64_t generation, const DesiredState& wanted, const GenerationChanges& changes,
                     const std::vector<SpentSsrc>& spent, const std::vector<Handover>& leaving) {
  Batch batch;
  add_rows(batch, 't', wanted.transports, changes.transports);
  add_rows(batch, 'p', wanted.publications, changes.publications);
  add_rows(batch, 's', wanted.subscriptions, changes.subscriptions);
  for (const SpentSsrc& one : spent) batch.put(spent_key(one), {});
  for (const std::uint64_t transport : changes.departures) {
    const auto row = wanted.departures.find(transport);
    if (row != wanted.departures.end()) {
      batch.put(departed_key('d', transport), encode_wish(row->second));
      continue;
    }
    batch.forget(departed_key('d', transport));
    batch.forget(departed_key('y', transport));
    log_.for_each(departed_key('x', transport) + '/', [&](std::string_view key, Bytes) { batch.forget(std::string(key)); });
  }
  for (const Handover& handover : leaving) {
    batch.put(departed_key('y', handover.transport.packed()), encode(handover.paths));
    for (std::size_t i = 0; i < handover.messages.size(); ++i) {
      batch.put(message_key(handover.transport, i), handover.messages[i]);
    }
  }
  batch.put(std::string(generation_key), bytes_of(generation));
  return batch.apply(log_);
}

WishLog::Loaded WishLog::load(const TableSizes& sizes) const {
  Loaded loaded;
  if (const auto generation = log_.get(generation_key)) loaded.generation = number_in(*generation);
  std::vector<std::uint64_t> storage;
  const auto keep = [&loaded](auto& rows, auto spec) {
    if (!spec) {
      ++loaded.refused;
      return;
    }
    const std::uint32_t slot = spec->id.slot;
    rows.insert_or_assign(slot, std::move(*spec));
  };
  log_.for_each("t/", [&](std::string_view, Bytes bytes) {
    const schema::Command* command = command_in(bytes, storage);
    const auto* body = command == nullptr ? nullptr : command->body_as_UpsertTransport();
    body == nullptr ? void(++loaded.refused) : keep(loaded.wanted.transports, read_transport(*body, sizes));
  });
  log_.for_each("p/", [&](std::string_view, Bytes bytes) {
    const schema::Command* command = command_in(bytes, storage);
    const auto* body = command == nullptr ? nullptr : command->body_as_UpsertPublication();
    body == nullptr ? void(++loaded.refused) : keep(loaded.wanted.publications, read_publication(*body, sizes));
  });
  log_.for_each("s/", [&](std::string_view, Bytes bytes) {
    const schema::Command* command = command_in(bytes, storage);
    const auto* body = command == nullptr ? nullptr : command->body_as_UpsertSubscription();
    body == nullptr ? void(++loaded.refused) : keep(loaded.wanted.subscriptions, read_subscription(*body, sizes));
  });
  log_.for_each("u/", [&](std::string_view key, Bytes) {
    const std::size_t slash = key.rfind('/');
    if (slash < 2) return;
    const auto slot = number_of<std::uint32_t>(key.substr(2, slash - 2));
    if (slot < sizes.transports) loaded.spent.emplace_back(slot, Ssrc{number_of<std::uint32_t>(key.substr(slash + 1))});
  });
  log_.for_each("d/", [&](std::string_view, Bytes bytes) {
    const schema::Command* command = command_in(bytes, storage);
    const auto* body = command == nullptr ? nullptr : command->body_as_UpsertDeparture();
    auto spec = body == nullptr ? unexpected(CommandError::bad_id) : read_departure(*body, sizes);
    if (!spec) {
      ++loaded.refused;
      return;
    }
    const std::uint64_t transport = spec->transport.packed();
    const auto paths = log_.get(departed_key('y', transport));
    if (paths) {
      Handover& left = loaded.left.emplace_back();
      left.transport = spec->transport;
      left.paths = decode_paths(*paths).value_or(RelayPaths{});
      log_.for_each(departed_key('x', transport) + '/',
                    [&](std::string_view, Bytes message) { left.messages.emplace_back(message.begin(), message.end()); });
    }
    loaded.wanted.departures.insert_or_assign(transport, std::move(*spec));
  });
  return loaded;
}

void WishLog::settle(TransportId left) {
  Batch batch;
  log_.for_each(departed_key('x', left.packed()) + '/',
                [&](std::string_view key, Bytes) { batch.forget(std::string(key)); });
  (void)batch.apply(log_);
}

void WishLog::note_paths(TransportId left, const RelayPaths& paths) {
  (void)log_.put(departed_key('y', left.packed()), encode(paths));
}

bool WishLog::note_spent(const std::vector<SpentSsrc>& spent) {
  if (spent.empty()) return true;
  Batch batch;
  for (const SpentSsrc& one : spent) batch.put(spent_key(one), {});
  return batch.apply(log_);
}

void WishLog::forget_spent(std::uint32_t transport_slot) {
  Batch batch;
  log_.for_each(spent_prefix(transport_slot), [&](std::string_view key, Bytes) { batch.forget(std::string(key)); });
  (void)batch.apply(log_);
}

std::uint32_t WishLog::blames(TransportId id) const {
  const auto count = log_.get(blame_key(id));
  return count ? static_cast<std::uint32_t>(number_in(*count)) : 0;
}

std::uint32_t WishLog::blame(TransportId id) {
  const std::uint32_t count = blames(id) + 1;
  (void)log_.put(blame_key(id), bytes_of(count));
  return count;
}

void WishLog::forgive(TransportId id) {
  (void)log_.erase(blame_key(id));
}

void WishLog::for_each_blamed(const std::function<void(TransportId, std::uint32_t)>& visit) const {
  log_.for_each("b/", [&](std::string_view key, Bytes value) {
    visit(TransportId::unpack(number_of<std::uint64_t>(key.substr(2))), static_cast<std::uint32_t>(number_in(value)));
  });
}

}  // namespace sluice
