#include "dataplane/ice/ice_lite_agent.hpp"

#include <algorithm>

namespace sluice {
namespace {

constexpr Duration budget_window = std::chrono::seconds(1);

StunCredential credential_of(const IceCredentials& credentials) noexcept {
  return {.local_ufrag = credentials.local_ufrag.view(),
          .remote_ufrag = credentials.remote_ufrag.view(),
          .password = credentials.local_pwd.view()};
}

}  // namespace

IceLiteAgent::IceLiteAgent(IceState& state, const StunCodec& codec, const IceConfig& config) noexcept
    : state_(state), codec_(codec), config_(config) {}

void IceLiteAgent::set_credentials(const IceCredentials& credentials) noexcept {
  IceCredentials& current = state_.current;
  const bool restart = !current.local_ufrag.empty() &&
                       !(current.local_ufrag == credentials.local_ufrag && current.local_pwd == credentials.local_pwd);
  // While previous is there, current has not been used by any check yet: then it is current that nobody misses.
  if (restart && state_.previous.local_ufrag.empty()) state_.previous = current;
  current = credentials;
}

Result<IceLiteAgent::Handled, IceError> IceLiteAgent::handle_datagram(TimePoint now, const Tuple& from,
                                                                      Bytes datagram) noexcept {
  IceTuple* entry = find(from);
  // Before any cryptography: a flood from a proven address costs no HMAC. (From other addresses nothing may be counted
  // per tuple, since anyone can write any source address.)
  if (entry != nullptr && !within_budget(*entry, now)) return unexpected(IceError::over_budget);

  auto check = codec_.answer(datagram, from.remote, {credential_of(state_.current), credential_of(state_.previous)});
  if (!check) return unexpected(check.error());

  Handled handled{.reply = check->reply, .changes = {}};
  if (!check->accepted) {
    if (entry != nullptr) count_check(*entry, now);
    return handled;
  }
  if (seen(check->transaction)) {
    if (entry == nullptr) return unexpected(IceError::replayed);
    count_check(*entry, now);
    return handled;
  }
  remember(check->transaction);
  constexpr std::size_t current = 0;
  if (check->credential == current) state_.previous = {};  // the peer has seen the restart
  if (entry == nullptr) entry = &add(from, handled.changes);
  count_check(*entry, now);
  entry->last_check = now;
  if (check->use_candidate) {
    select(*entry, handled.changes);
  }
  if (entry == selected_entry()) set_connection(IceConnection::connected, handled.changes);
  return handled;
}

IceChanges IceLiteAgent::handle_timeout(TimePoint now) noexcept {
  IceChanges changes;
  for (IceTuple& entry : state_.tuples) {
    if (entry.used == 0 || now < expiry_of(entry)) continue;
    if (&entry == selected_entry() && state_.connection == IceConnection::connected) {
      set_connection(IceConnection::disconnected, changes);
      // It stays validated for the rest of its life as a spare: the peer may come back without nominating again.
      if (now < expiry_of(entry)) continue;
    }
    remove(entry, changes);
  }
  return changes;
}

TimePoint IceLiteAgent::next_deadline() const noexcept {
  TimePoint deadline = never;
  for (const IceTuple& entry : state_.tuples)
    if (entry.used != 0) deadline = std::min(deadline, expiry_of(entry));
  return deadline;
}

std::optional<Tuple> IceLiteAgent::selected() const noexcept {
  const IceTuple* entry = selected_entry();
  if (entry == nullptr || state_.connection != IceConnection::connected) return std::nullopt;
  return entry->tuple;
}

const IceTuple* IceLiteAgent::find(const Tuple& tuple) const noexcept {
  for (const IceTuple& entry : state_.tuples)
    if (entry.used != 0 && entry.tuple == tuple) return &entry;
  return nullptr;
}

IceTuple* IceLiteAgent::find(const Tuple& tuple) noexcept {
  return const_cast<IceTuple*>(static_cast<const IceLiteAgent&>(*this).find(tuple));
}

const IceTuple* IceLiteAgent::selected_entry() const noexcept {
  // The index may come from a predecessor's memory: it is checked at each use.
  if (state_.selected == IceState::no_tuple || state_.selected > IceState::tuples_max) return nullptr;
  const IceTuple& entry = state_.tuples[state_.selected - 1];
  return entry.used != 0 ? &entry : nullptr;
}

bool IceLiteAgent::within_budget(const IceTuple& entry, TimePoint now) const noexcept {
  return now - entry.budget_second >= budget_window || entry.checks_in_second < config_.checks_per_second_max;
}

bool IceLiteAgent::seen(std::uint64_t transaction) const noexcept {
  return std::find(state_.transactions.begin(), state_.transactions.end(), transaction) != state_.transactions.end();
}

void IceLiteAgent::remember(std::uint64_t transaction) noexcept {
  state_.transactions[state_.transaction_count++ % IceState::transactions_max] = transaction;
}

void IceLiteAgent::count_check(IceTuple& entry, TimePoint now) noexcept {
  if (now - entry.budget_second >= budget_window) {
    entry.budget_second = now;
    entry.checks_in_second = 0;
  }
  ++entry.checks_in_second;
}

IceTuple& IceLiteAgent::add(const Tuple& tuple, IceChanges& changes) noexcept {
  // A free place, else that of the tuple that was silent longest; never the one we send to.
  const IceTuple* kept = selected_entry();
  IceTuple* place = nullptr;
  for (IceTuple& entry : state_.tuples) {
    if (entry.used == 0) {
      place = &entry;
      break;
    }
    if (&entry != kept && (place == nullptr || entry.last_check < place->last_check)) place = &entry;
  }
  if (place->used != 0) remove(*place, changes);
  *place = IceTuple{.tuple = tuple, .last_check = {}, .budget_second = {}, .checks_in_second = 0, .used = 1};
  changes.added = tuple;
  return *place;
}

void IceLiteAgent::remove(IceTuple& entry, IceChanges& changes) noexcept {
  changes.removed[changes.removed_count++] = entry.tuple;
  if (&entry == selected_entry()) {
    state_.selected = IceState::no_tuple;
    changes.selected_changed = true;
  }
  entry = IceTuple{};
}

void IceLiteAgent::select(const IceTuple& entry, IceChanges& changes) noexcept {
  if (&entry == selected_entry()) return;
  state_.selected = static_cast<std::uint32_t>(&entry - state_.tuples.data()) + 1;
  changes.selected_changed = true;
}

void IceLiteAgent::set_connection(IceConnection connection, IceChanges& changes) noexcept {
  if (state_.connection == connection) return;
  state_.connection = connection;
  changes.connection_changed = true;
}

TimePoint IceLiteAgent::expiry_of(const IceTuple& entry) const noexcept {
  const bool sending = &entry == selected_entry() && state_.connection == IceConnection::connected;
  return entry.last_check + (sending ? config_.consent_lifetime : config_.spare_lifetime);
}

}  // namespace sluice
