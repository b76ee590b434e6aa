#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "dataplane/simulcast/layer_observer.hpp"
#include "dataplane/transport/incoming_layer.hpp"
#include "dataplane/transport/transport.hpp"
#include "shm/types/loudness.hpp"

namespace sluice {

class Subscription;

/// What a successor must know of one publication. All zero: an empty slot.
struct PublicationRecord {
  std::uint64_t id = 0;  ///< packed PublicationId
  std::array<LayerRecord, layers_max> layers;
};
static_assert(std::is_standard_layout_v<PublicationRecord> && std::is_trivially_copyable_v<PublicationRecord>);

/// One m-line that a peer sends: its layers, and who receives it.
class Publication {
 public:
  /// `sender` is the peer's transport and outlives the publication. Allocates the packet caches. Goes on from a filled
  /// record of the same id.
  Publication(TimePoint now, const PublicationSpec& spec, PublicationRecord& record, Transport& sender);
  /// Leaves the record as it is, for a successor in this process's place.
  ~Publication() = default;
  Publication(const Publication&) = delete;
  Publication& operator=(const Publication&) = delete;

  [[nodiscard]] PublicationId id() const noexcept { return spec_.id; }
  [[nodiscard]] const PublicationSpec& spec() const noexcept { return spec_; }
  /// The same id with other wishes. False when it cannot go on (other layers or transport) and must be made anew.
  [[nodiscard]] bool update(const PublicationSpec& spec);
  [[nodiscard]] Transport& sender() noexcept { return sender_; }
  /// The end of the publication, not only of this object: gives its SSRCs free and empties the record.
  void forget() noexcept;

  [[nodiscard]] std::uint8_t layer_count() const noexcept { return static_cast<std::uint8_t>(layers_.size()); }
  [[nodiscard]] IncomingLayer& layer(std::uint8_t index) noexcept { return *layers_[index]; }
  [[nodiscard]] const IncomingLayer& layer(std::uint8_t index) const noexcept { return *layers_[index]; }
  [[nodiscard]] LayerObserver& observer() noexcept { return observer_; }
  [[nodiscard]] const LayerObserver& observer() const noexcept { return observer_; }
  /// Index of the layer with this rid.
  [[nodiscard]] std::optional<std::uint8_t> layer_of(std::string_view rid) const noexcept;

  [[nodiscard]] std::vector<Subscription*>& subscribers() noexcept { return subscribers_; }
  /// Of the last packet; null before the first.
  [[nodiscard]] const CodecSpec* codec() const noexcept;
  void set_codec(std::uint8_t payload_type) noexcept { payload_type_ = payload_type; }

  /// Where the worker shows how loud it is; null: nowhere. Borrowed for life.
  void show_level_at(std::atomic<std::uint64_t>* word) noexcept { level_word_ = word; }
  /// RFC 6464: the extension's byte of a packet that is let through.
  void hear(std::uint8_t header) noexcept {
    if (level_word_ != nullptr) meter_.on_packet(spec_.id, header, *level_word_);
  }

  /// Binds what the offer declared; refuses silently what the table cannot take (counted by the caller through the result).
  bool bind_declared() noexcept;

 private:
  PublicationSpec spec_;
  PublicationRecord& record_;
  Transport& sender_;
  std::vector<std::unique_ptr<IncomingLayer>> layers_;
  LayerObserver observer_;
  std::vector<Subscription*> subscribers_;
  std::uint8_t payload_type_ = no_payload_type;
  LoudnessMeter meter_;
  std::atomic<std::uint64_t>* level_word_ = nullptr;
};

}  // namespace sluice
