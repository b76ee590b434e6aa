#include <algorithm>
#include <utility>

#include "control/media/layer_map.hpp"
#include "control/media/media_impl.hpp"

namespace sluice {
namespace {

bool share_codec(const std::vector<workers::CodecSpec>& a, const std::vector<workers::CodecSpec>& b) {
  return std::any_of(a.begin(), a.end(), [&](const workers::CodecSpec& x) {
    return std::any_of(b.begin(), b.end(), [&](const workers::CodecSpec& y) { return x.codec == y.codec; });
  });
}

}  // namespace

void Media::Impl::settle(const PeerId& id) {
  const auto entry = peers_.find(id);
  if (entry == peers_.end() || !entry->second.media.transport.valid()) return;
  PeerMedia& peer = entry->second.media;
  bind_producers(id, peer);
  bind_consumers(id, peer);
  write_rows(peer);
  store(id);
  if (const auto own = producers_of_.find(id); own != producers_of_.end()) {
    for (const auto& [order, producer] : own->second) settle_consumers_of(producer);
  }
}

void Media::Impl::settle_consumers_of(const ProducerId& producer) {
  const auto fed = fed_by_.find(producer);
  if (fed == fed_by_.end()) return;
  for (const auto& [order, id] : fed->second) {
    const Consumer& consumer = consumers_.at(id).consumer;
    const auto entry = peers_.find(consumer.peer);
    if (entry == peers_.end() || !entry->second.media.transport.valid()) continue;
    PeerMedia& peer = entry->second.media;
    const Line* line = line_of(peer, id);
    if (line != nullptr && fits(*line, consumer)) {
      write_row(peer, *line);
    } else if (bind_consumers(consumer.peer, peer)) {
      write_rows(peer);
      store(consumer.peer);
    }
  }
}

Media::Impl::Line* Media::Impl::line_of(PeerMedia& peer, const ProducerId& producer) {
  const auto line =
      std::find_if(peer.lines.begin(), peer.lines.end(), [&](const Line& l) { return l.producer == producer; });
  return line == peer.lines.end() ? nullptr : &*line;
}

Media::Impl::Line* Media::Impl::line_of(PeerMedia& peer, const ConsumerId& consumer) {
  const auto line =
      std::find_if(peer.lines.begin(), peer.lines.end(), [&](const Line& l) { return l.consumer == consumer; });
  return line == peer.lines.end() ? nullptr : &*line;
}

const Media::Impl::Line* Media::Impl::line_of(const ProducerId& producer) const {
  const auto known = producers_.find(producer);
  if (known == producers_.end()) return nullptr;
  const auto peer = peers_.find(known->second.peer);
  if (peer == peers_.end()) return nullptr;
  for (const Line& line : peer->second.media.lines)
    if (line.producer == producer) return &line;
  return nullptr;
}

Media::Impl::Line* Media::Impl::line_for(PeerMedia& peer, const Producer& producer, Turn turn) {
  const auto declares = [&](const Line& line) {
    return std::any_of(line.ssrcs.begin(), line.ssrcs.end(), [&](const workers::DeclaredSsrcSpec& s) {
      return std::find(producer.ssrcs.begin(), producer.ssrcs.end(), s.ssrc.value) != producer.ssrcs.end();
    });
  };
  for (Line& line : peer.lines) {
    if (!line.receives || !line.producer.empty() || line.kind != producer.kind) continue;
    switch (turn) {
      case Turn::named:
        if (!producer.mid.empty() && line.mid == producer.mid) return &line;
        break;
      case Turn::known:
        if (producer.mid.empty() && (declares(line) || line.mid == producer.mid_hint)) return &line;
        break;
      case Turn::any:
        if (producer.mid.empty()) return &line;
        break;
    }
  }
  return nullptr;
}

void Media::Impl::bind_producers(const PeerId& id, PeerMedia& peer) {
  const auto own = producers_of_.find(id);
  if (own == producers_of_.end()) return;
  for (const Turn turn : {Turn::named, Turn::known, Turn::any}) {
    for (const auto& [order, producer] : own->second) {
      if (line_of(peer, producer) != nullptr) continue;
      if (Line* line = line_for(peer, producers_.at(producer), turn)) bind(peer, *line, producer);
    }
  }
}

void Media::Impl::bind(PeerMedia& peer, Line& line, const ProducerId& id) {
  line.producer = id;
  const auto row = plane_.add_publication(peer.worker, publication_spec(peer, line));
  if (!row) {
    line.producer = {};  // the worker's table is full: as if no m-line had been there
    return;
  }
  line.publication = *row;
}

void Media::Impl::unbind_producer(PeerMedia& peer, Line& line) {
  if (line.publication.valid()) plane_.remove_publication(peer.worker, line.publication);
  line.publication = {};
  line.producer = {};
}

void Media::Impl::free_line(PeerMedia& peer, Line& line) {
  unbind_producer(peer, line);
  if (line.subscription.valid()) {
    by_subscription_.erase({peer.worker, line.subscription});
    plane_.remove_subscription(peer.worker, line.subscription);
  }
  if (line.ssrc.value != 0) peer.used_ssrcs.push_back(line.ssrc.value);
  if (line.rtx_ssrc.value != 0) peer.used_ssrcs.push_back(line.rtx_ssrc.value);
  line = {};
}

bool Media::Impl::fits(const Line& line, const Consumer& consumer) const {
  const Line* source = line_of(consumer.producer);
  return source == nullptr || share_codec(source->codecs, line.codecs);
}

Media::Impl::Line* Media::Impl::line_for(PeerMedia& peer, const Consumer& consumer, Turn turn, bool& unsupported) {
  bool free_but_unfit = false;
  for (Line& line : peer.lines) {
    if (!line.sends || !line.subscription.valid() || !line.consumer.empty() || line.kind != consumer.kind) continue;
    if (!fits(line, consumer)) {
      free_but_unfit = true;
    } else if (turn == Turn::any || line.mid == consumer.mid_hint) {
      return &line;
    }
  }
  unsupported = free_but_unfit && turn == Turn::any;
  return nullptr;
}

bool Media::Impl::bind_consumers(const PeerId& id, PeerMedia& peer) {
  const auto own = consumers_of_.find(id);
  if (own == consumers_of_.end()) return false;
  bool changed = false;
  // Who had a line in the session before gets it back before newcomers choose.
  for (const Turn turn : {Turn::known, Turn::any}) {
    for (const auto& [order, consumer_id] : own->second) {
      ConsumerEntry& entry = consumers_.at(consumer_id);
      if (Line* line = line_of(peer, consumer_id)) {
        if (fits(*line, entry.consumer)) continue;
        line->consumer = {};  // the publisher turned up with a codec that this line does not have
        changed = true;
      }
      bool unsupported = false;
      if (Line* line = line_for(peer, entry.consumer, turn, unsupported)) {
        line->consumer = consumer_id;
        entry.unsupported_told = false;
        changed = true;
        ready_.push_back({id, consumer_id, line->mid});
      } else if (unsupported && !std::exchange(entry.unsupported_told, true)) {
        unsupported_.push_back({id, consumer_id});
      }
    }
  }
  return changed;
}

void Media::Impl::write_rows(const PeerMedia& peer) {
  for (const Line& line : peer.lines) write_row(peer, line);
}

void Media::Impl::write_row(const PeerMedia& peer, const Line& line) {
  if (line.publication.valid()) plane_.update_publication(peer.worker, line.publication, publication_spec(peer, line));
  if (line.subscription.valid()) plane_.update_subscription(peer.worker, line.subscription, subscription_spec(peer, line));
}

workers::PublicationSpec Media::Impl::publication_spec(const PeerMedia& peer, const Line& line) const {
  const Producer& producer = producers_.at(line.producer);
  workers::PublicationSpec spec;
  spec.transport = peer.transport;
  spec.kind = line.kind;
  spec.mid = line.mid;
  spec.codecs = line.codecs;
  spec.rids = media::order_rids(producer.layers, line.rids);
  spec.ssrcs = line.ssrcs;
  spec.forward = !producer.paused && peer.may_send;
  spec.policy_epoch = mark_epoch(peer.policy_epoch);
  return spec;
}

workers::SubscriptionSpec Media::Impl::subscription_spec(const PeerMedia& peer, const Line& line) const {
  workers::SubscriptionSpec spec;
  spec.transport = peer.transport;
  spec.kind = line.kind;
  spec.mid = line.mid;
  spec.codecs = line.codecs;
  spec.ssrc = line.ssrc;
  spec.policy_epoch = mark_epoch(peer.policy_epoch);
  const bool rtx = std::any_of(line.codecs.begin(), line.codecs.end(),
                               [](const workers::CodecSpec& c) { return c.rtx_payload_type != workers::CodecSpec::no_rtx; });
  if (rtx) spec.rtx_ssrc = line.rtx_ssrc;
  const auto entry = consumers_.find(line.consumer);
  if (entry == consumers_.end() || !line.sends) return spec;
  const Consumer& consumer = entry->second.consumer;
  const auto producer = producers_.find(consumer.producer);
  if (producer == producers_.end()) return spec;
  const Line* source = line_of(consumer.producer);
  if (source != nullptr && source->publication.valid()) spec.publication = source->publication;
  spec.active = !consumer.paused && peer.may_receive;
  if (consumer.ceiling() != Consumer::no_ceiling)
    spec.max_layer = media::worker_layer(consumer.ceiling(), producer->second.layers);
  return spec;
}

}  // namespace sluice
