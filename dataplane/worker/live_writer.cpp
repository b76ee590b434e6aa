#include "dataplane/worker/live_writer.hpp"

#include <algorithm>
#include <optional>

namespace sluice {
namespace {

constexpr std::uint8_t nothing = 255;

std::int64_t ns_of(TimePoint time) noexcept {
  return time.time_since_epoch().count();
}

std::uint32_t clamped(std::int64_t value) noexcept {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(value, 0, 0xffff'ffff));
}

/// What control calls the layer that a subscription gets or should get.
std::uint8_t rank_of(Subscription& subscription, std::optional<std::uint8_t> layer) noexcept {
  if (!layer || subscription.publication() == nullptr) return nothing;
  return subscription.publication()->observer().rank_of(*layer);
}

LayerRow row_of(const Publication& publication, std::uint8_t index) noexcept {
  const IncomingLayer& layer = publication.layer(index);
  const LayerInfo& info = publication.observer().layer(index);
  const ReceiveStatisticsState& received = layer.statistics().state();
  LayerRow row;
  row.ssrc = layer.ssrc().value;
  row.rtx_ssrc = layer.rtx_ssrc().value;
  row.packets = received.packets;
  row.bytes = received.bytes;
  row.lost = static_cast<std::uint64_t>(std::max<std::int64_t>(0, layer.statistics().cumulative_lost()));
  row.bitrate_bps = info.alive ? clamped(info.bitrate.bits_per_second) : 0;
  row.key_frames = layer.record().key_frame_count;
  row.width = info.width;
  row.height = info.height;
  row.fps_tenths =
      info.alive ? static_cast<std::uint16_t>(std::clamp(info.frames_per_second * 10, 0.0, 65'535.0)) : std::uint16_t{0};
  row.active = info.alive ? 1 : 0;
  return row;
}

}  // namespace

std::uint32_t LiveWriter::Meter::measure(TimePoint now, std::uint64_t total) noexcept {
  if (now - since < interval / 2) return bits_per_second;
  if (total >= bytes && since != TimePoint{}) {
    bits_per_second = clamped(rate_of(DataSize{static_cast<std::int64_t>(total - bytes)}, now - since).bits_per_second);
  }
  bytes = total;
  since = now;
  return bits_per_second;
}

LiveWriter::LiveWriter(LiveTables& tables, EventWriter& events, const TableSizes& sizes)
    : tables_(tables),
      events_(events),
      told_layers_(sizes.publications),
      told_current_(sizes.subscriptions, nothing),
      meters_(sizes.subscriptions) {}

void LiveWriter::clear() noexcept {
  const auto empty = [](auto& table) {
    const std::uint32_t used = std::min(table.slots_used.load(std::memory_order_relaxed), table.capacity);
    for (std::uint32_t slot = 0; slot < used; ++slot) table.rows[slot].write({});
  };
  empty(tables_.transports);
  empty(tables_.publications);
  empty(tables_.subscriptions);
}

void LiveWriter::forget_unwanted(const DesiredState& wanted) noexcept {
  const auto sweep = [](auto& table, const auto& rows) {
    const std::uint32_t used = std::min(table.slots_used.load(std::memory_order_relaxed), table.capacity);
    for (std::uint32_t slot = 0; slot < used; ++slot) {
      const auto found = rows.find(slot);
      const auto row = table.rows[slot].read(1);
      // A row that its writer died in reads as nothing.
      if (row && found != rows.end() && row->id == found->second.id.packed()) continue;
      table.rows[slot].write({});
    }
  };
  sweep(tables_.transports, wanted.transports);
  sweep(tables_.publications, wanted.publications);
  sweep(tables_.subscriptions, wanted.subscriptions);
}

void LiveWriter::write(TimePoint now, const Peer& peer, const std::vector<Publication*>& publications,
                       const std::vector<Subscription*>& subscriptions) {
  const Transport& transport = peer.transport;
  TransportRow row;
  row.id = transport.id().packed();
  row.state = static_cast<schema::TransportState>(transport.phase());
  row.reason = static_cast<schema::FailureReason>(transport.reason());
  row.srtp_profile = transport.profile();
  row.rtt_us = transport.rtt().known() ? clamped(transport.rtt().rtt({}).count() / 1000) : 0;
  if (const auto selected = transport.ice().selected()) row.remote = selected->remote;
  const Transport::Totals& totals = transport.totals();
  row.packets_in = totals.packets_in;
  row.bytes_in = totals.bytes_in;
  row.packets_out = totals.packets_out;
  row.bytes_out = totals.bytes_out;
  row.created_ns = ns_of(peer.created);
  row.state_since_ns = ns_of(transport.phase_since());
  row.last_received_ns = ns_of(transport.last_received());
  tables_.transports.write(row);
  for (const Publication* publication : publications) write_publication(now, *publication);
  for (Subscription* subscription : subscriptions) write_subscription(now, *subscription);
}

void LiveWriter::write_quarantined(TransportId id) {
  TransportRow row;
  row.id = id.packed();
  row.state = schema::TransportState::closed;
  row.reason = schema::FailureReason::quarantined;
  tables_.transports.write(row);
  events_.transport_changed(id, TransportPhase::closed, TransportReason::quarantined);
}

void LiveWriter::write_publication(TimePoint, const Publication& publication) {
  PublicationRow row;
  row.id = publication.id().packed();
  row.transport = publication.spec().transport.packed();
  row.kind = publication.spec().kind;
  if (const CodecSpec* codec = publication.codec()) row.codec = codec->codec;
  row.forward = publication.spec().forward ? 1 : 0;
  row.policy_epoch = publication.spec().policy_epoch;
  row.layer_count = publication.layer_count();
  for (std::uint8_t i = 0; i < publication.layer_count(); ++i) {
    row.layers[i] = row_of(publication, publication.observer().layer_at(i));
    row.key_frame_requests += static_cast<std::uint32_t>(publication.layer(i).record().key_frames.requests);
  }
  tables_.publications.write(row);
  const std::uint8_t alive = publication.observer().alive_ranks();
  std::uint8_t& told = told_layers_[publication.id().slot];
  if (told == alive) return;
  told = alive;
  events_.publication_changed(publication.id(), alive);
}

void LiveWriter::write_subscription(TimePoint now, Subscription& subscription) {
  const std::uint32_t slot = subscription.id().slot;
  const Subscription::Totals& totals = subscription.totals();
  const std::uint8_t current = rank_of(subscription, subscription.current_layer());
  SubscriptionRow row;
  row.id = subscription.id().packed();
  row.transport = subscription.spec().transport.packed();
  row.publication = subscription.publication() != nullptr ? subscription.publication()->id().packed() : 0;
  row.current_layer = current;
  row.target_layer = rank_of(subscription, subscription.target_layer(now));
  row.loss_per_mille = static_cast<std::uint16_t>(totals.fraction_lost * 1000 / 256);
  row.bitrate_bps = meters_[slot].measure(now, totals.bytes);
  row.policy_epoch = subscription.spec().policy_epoch;
  row.active = subscription.spec().active ? 1 : 0;
  row.packets = totals.packets;
  row.bytes = totals.bytes;
  row.retransmitted = totals.retransmitted;
  row.nacks = totals.nacks;
  row.key_frame_requests = totals.key_frame_requests;
  tables_.subscriptions.write(row);
  if (told_current_[slot] == current) return;
  told_current_[slot] = current;
  events_.subscription_changed(subscription.id(), current);
}

void LiveWriter::tell_changes(TimePoint now, const std::vector<Publication*>& publications,
                              const std::vector<Subscription*>& subscriptions) {
  for (const Publication* publication : publications) {
    if (told_layers_[publication->id().slot] != publication->observer().alive_ranks()) write_publication(now, *publication);
  }
  for (Subscription* subscription : subscriptions) {
    if (told_current_[subscription->id().slot] != rank_of(*subscription, subscription->current_layer()))
      write_subscription(now, *subscription);
  }
}

void LiveWriter::erase(PublicationId id) noexcept {
  tables_.publications.erase(id);
  told_layers_[id.slot] = 0;
}

void LiveWriter::erase(SubscriptionId id) noexcept {
  tables_.subscriptions.erase(id);
  told_current_[id.slot] = nothing;
  meters_[id.slot] = {};
}

}  // namespace sluice
