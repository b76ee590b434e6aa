#include "dataplane/router/publication.hpp"

namespace sluice {
namespace {

PublicationRecord& prepared(PublicationRecord& record, PublicationId id) {
  if (record.id == id.packed()) return record;
  record = PublicationRecord{};
  record.id = id.packed();
  return record;
}

PacketCacheConfig cache_of(const PublicationSpec& spec, std::size_t layer) {
  if (spec.kind == MediaKind::audio) return PacketCacheConfig::audio();
  return layer + 1 == spec.layer_count() ? PacketCacheConfig::high_video() : PacketCacheConfig::low_video();
}

std::uint32_t clock_rate_of(const PublicationSpec& spec) {
  if (!spec.codecs.empty()) return spec.codecs.front().clock_rate;
  return spec.kind == MediaKind::audio ? 48'000 : 90'000;
}

}  // namespace

Publication::Publication(TimePoint now, const PublicationSpec& spec, PublicationRecord& record, Transport& sender)
    : spec_(spec),
      record_(prepared(record, spec.id)),
      sender_(sender),
      observer_(static_cast<std::uint8_t>(spec.layer_count())) {
  for (std::size_t i = 0; i < spec.layer_count(); ++i) {
    layers_.push_back(std::make_unique<IncomingLayer>(record_.layers[i], spec.id, static_cast<std::uint8_t>(i),
                                                      clock_rate_of(spec), sender.clock(), cache_of(spec, i)));
  }
  bind_declared();
  for (std::uint8_t i = 0; i < layer_count(); ++i) {
    const LayerRecord& known = layer(i).record();
    if (known.ssrc == 0 || !layer(i).statistics().started()) continue;
    observer_.restore(now, i, known.width, known.height, layer(i).statistics().last_arrival());
  }
}

void Publication::forget() noexcept {
  sender_.ssrcs().release(id(), [&](Ssrc ssrc) { sender_.receiver().retire(ssrc); });
  record_ = PublicationRecord{};
}

bool Publication::update(const PublicationSpec& spec) {
  if (spec.transport != spec_.transport || spec.rids != spec_.rids || spec.kind != spec_.kind ||
      clock_rate_of(spec) != clock_rate_of(spec_)) {
    return false;
  }
  spec_ = spec;
  bind_declared();
  return true;
}

bool Publication::bind_declared() noexcept {
  bool all = true;
  for (const DeclaredSsrc& declared : spec_.ssrcs) {
    IncomingLayer& in = *layers_[declared.layer];
    if (sender_.ssrcs().bind(declared.ssrc, id(), declared.layer, StreamRole::media, BindingOrigin::declared)) {
      in.set_ssrc(declared.ssrc);
    } else {
      all = false;
    }
    if (declared.rtx_ssrc == Ssrc{}) continue;
    if (sender_.ssrcs().bind(declared.rtx_ssrc, id(), declared.layer, StreamRole::rtx, BindingOrigin::declared)) {
      in.set_rtx_ssrc(declared.rtx_ssrc);
    } else {
      all = false;
    }
  }
  return all;
}

std::optional<std::uint8_t> Publication::layer_of(std::string_view rid) const noexcept {
  for (std::size_t i = 0; i < spec_.rids.size(); ++i) {
    if (spec_.rids[i].view() == rid) return static_cast<std::uint8_t>(i);
  }
  return std::nullopt;
}

const CodecSpec* Publication::codec() const noexcept {
  for (const CodecSpec& codec : spec_.codecs) {
    if (codec.payload_type == payload_type_) return &codec;
  }
  return nullptr;
}

}  // namespace sluice
