#include "dataplane/worker/record_move.hpp"

namespace sluice {
namespace {

void rename(MediaSource& source, const MovedPublications& moved) noexcept {
  if (!source.valid()) return;
  const auto found = moved.find(source.publication);
  if (found == moved.end()) {
    source = {};
  } else {
    source.publication = found->second;
  }
}

}  // namespace

void rename(TransportRecord& record, TransportId to, const MovedPublications& moved) noexcept {
  record.id = to.packed();
  SsrcTableState& table = record.ssrcs;
  std::uint32_t kept = 0;
  for (std::uint32_t i = 0; i < table.count && i < table.rows.size(); ++i) {
    SsrcBinding row = table.rows[i];
    const auto found = moved.find(row.publication());
    if (found == moved.end()) continue;
    row.publication_slot = found->second.slot;
    row.publication_incarnation = found->second.incarnation;
    table.rows[kept++] = row;
  }
  for (std::uint32_t i = kept; i < table.rows.size(); ++i) table.rows[i] = {};
  table.count = kept;
}

void rename(PublicationRecord& record, PublicationId to) noexcept {
  record.id = to.packed();
}

void rename(SubscriptionRecord& record, SubscriptionId to, TransportId transport, const MovedPublications& moved) noexcept {
  record.id = to.packed();
  record.transport = transport.packed();
  for (RewriterEpoch& epoch : record.rewriter.epochs) rename(epoch.source, moved);
  rename(record.vp8.present.source, moved);
  rename(record.vp8.previous.source, moved);
}

}  // namespace sluice
