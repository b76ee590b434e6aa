#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "dataplane/dtls/dtls_association.hpp"

namespace sluice::dtls_test {

using Buffer = std::vector<std::byte>;

/// One end: certificate, context, association and what came out of it.
struct End {
  End(DtlsRole role, const Fingerprint& peer);
  /// Takes all outputs: datagrams into `outbox`, the rest into the members.
  void drain();
  void restart(DtlsRole role, const Fingerprint& peer);

  std::optional<DtlsAssociation> association;
  std::vector<Buffer> outbox;
  int connected = 0;
  int closed = 0;
  std::vector<DtlsFailure> failures;
};

/// The certificates of the two ends, made once: a server and a client that know each other's fingerprints.
const Certificate& server_certificate();
const Certificate& client_certificate();
const DtlsContext& server_context();
const DtlsContext& client_context();

/// What a network does with datagram number `index` (from 0, both directions counted together) of the conversation: how many
/// copies arrive. `mutate` may change it.
using Fate = std::function<int(int index, Buffer& datagram)>;

/// A server and a client, and time that jumps to the next deadline whenever nothing is under way.
struct Pair {
  explicit Pair(const Fingerprint& servers_peer = client_certificate().fingerprint(),
                const Fingerprint& clients_peer = server_certificate().fingerprint());
  /// Until both are settled (connected, failed, closed), or 60 s passed.
  void run(const Fate& fate = {});
  /// One round: everything in the outboxes arrives, in order. False if there was nothing.
  bool deliver(const Fate& fate = {});
  [[nodiscard]] bool both_connected() const;

  End server;
  End client;
  TimePoint now{std::chrono::seconds(1000)};
  int datagrams = 0;
  std::size_t largest = 0;
};

}  // namespace sluice::dtls_test
