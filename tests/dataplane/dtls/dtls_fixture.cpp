#include "tests/dataplane/dtls/dtls_fixture.hpp"

#include <algorithm>
#include <utility>

namespace sluice::dtls_test {
namespace {

constexpr std::chrono::sys_seconds birthday{std::chrono::seconds(1'760'000'000)};

bool settled(const End& end) {
  const DtlsState state = end.association->state();
  return state == DtlsState::connected || state == DtlsState::failed || state == DtlsState::closed;
}

}  // namespace

const Certificate& server_certificate() {
  static const Certificate certificate = Certificate::generate(birthday);
  return certificate;
}
const Certificate& client_certificate() {
  static const Certificate certificate = Certificate::generate(birthday);
  return certificate;
}
const DtlsContext& server_context() {
  static const DtlsContext context(server_certificate());
  return context;
}
const DtlsContext& client_context() {
  static const DtlsContext context(client_certificate());
  return context;
}

End::End(DtlsRole role, const Fingerprint& peer) {
  restart(role, peer);
}

void End::restart(DtlsRole role, const Fingerprint& peer) {
  association.emplace(role == DtlsRole::server ? server_context() : client_context(), role, peer);
}

void End::drain() {
  while (auto output = association->poll_output()) {
    if (auto* datagram = std::get_if<DtlsDatagram>(&*output)) outbox.push_back(std::move(datagram->bytes));
    if (std::holds_alternative<DtlsConnected>(*output)) ++connected;
    if (std::holds_alternative<DtlsClosed>(*output)) ++closed;
    if (const auto* failed = std::get_if<DtlsFailed>(&*output)) failures.push_back(failed->reason);
  }
}

Pair::Pair(const Fingerprint& servers_peer, const Fingerprint& clients_peer)
    : server(DtlsRole::server, servers_peer), client(DtlsRole::client, clients_peer) {}

bool Pair::both_connected() const {
  return server.association->state() == DtlsState::connected && client.association->state() == DtlsState::connected;
}

bool Pair::deliver(const Fate& fate) {
  bool any = false;
  for (auto [from, to] : {std::pair{&client, &server}, std::pair{&server, &client}}) {
    from->drain();
    const std::vector<Buffer> under_way = std::exchange(from->outbox, {});
    for (Buffer datagram : under_way) {
      any = true;
      largest = std::max(largest, datagram.size());
      const int copies = fate ? fate(datagrams, datagram) : 1;
      ++datagrams;
      for (int i = 0; i < copies; ++i) (void)to->association->handle_datagram(now, datagram);
    }
    to->drain();
  }
  return any;
}

void Pair::run(const Fate& fate) {
  const TimePoint end = now + std::chrono::seconds(60);
  client.association->start(now);
  while (true) {
    while (deliver(fate)) {
    }
    if (settled(server) && settled(client)) return;
    const TimePoint next = std::min(server.association->next_deadline(), client.association->next_deadline());
    if (next > end) return;
    now = std::max(now, next);
    server.association->handle_timeout(now);
    client.association->handle_timeout(now);
  }
}

}  // namespace sluice::dtls_test
