// uses: shm_channel
// What the other process put on a ring, before and after the verifier: whatever passes must be readable in every field.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "shm/channel/message_rules.hpp"

namespace {

using namespace sluice;

volatile std::uint64_t sink;

void touch(const flatbuffers::Vector<std::uint8_t>* bytes) {
  if (bytes == nullptr) return;
  for (const std::uint8_t b : *bytes) sink = sink + b;
}
void touch(const flatbuffers::String* text) {
  if (text == nullptr) return;
  for (const char c : *text) sink = sink + static_cast<unsigned char>(c);
}
void touch(const flatbuffers::Vector<flatbuffers::Offset<schema::CodecMapping>>* codecs) {
  if (codecs == nullptr) return;
  for (const schema::CodecMapping* codec : *codecs)
    sink = sink + codec->clock_rate() + codec->payload_type() + codec->transport_cc();
}

void touch(const schema::Command& command) {
  if (const auto* transport = command.body_as_UpsertTransport()) {
    touch(transport->local_ufrag());
    touch(transport->local_pwd());
    touch(transport->remote_ufrag());
    touch(transport->fingerprint());
    if (transport->extensions() != nullptr) sink = sink + transport->extensions()->playout_delay();
  } else if (const auto* publication = command.body_as_UpsertPublication()) {
    touch(publication->mid());
    touch(publication->codecs());
    if (publication->rids() != nullptr) {
      for (const flatbuffers::String* rid : *publication->rids()) touch(rid);
    }
    if (publication->ssrcs() != nullptr) {
      for (const schema::DeclaredSsrc* declared : *publication->ssrcs())
        sink = sink + declared->ssrc() + declared->rtx_ssrc();
    }
  } else if (const auto* subscription = command.body_as_UpsertSubscription()) {
    touch(subscription->mid());
    touch(subscription->codecs());
    sink = sink + subscription->max_layer() + subscription->publication();
  } else if (const auto* begin = command.body_as_Begin()) {
    sink = sink + begin->generation();
  }
}

void touch(const schema::Event& event) {
  if (const auto* changed = event.body_as_TransportChanged()) sink = sink + changed->id();
  if (const auto* wanted = event.body_as_SnapshotWanted()) sink = sink + wanted->refused_generation();
}

void touch(const schema::Handshake& message) {
  if (const auto* open = message.body_as_HandshakeOpen()) touch(open->fingerprint());
  if (const auto* datagram = message.body_as_HandshakeDatagram()) touch(datagram->bytes());
  if (const auto* send = message.body_as_HandshakeSend()) touch(send->bytes());
  if (const auto* done = message.body_as_HandshakeDone()) {
    touch(done->local_key_salt());
    touch(done->remote_key_salt());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A copy like a receiver's: aligned, and of exactly this size.
  const auto copy = std::make_unique<std::byte[]>(size);
  if (size != 0) std::memcpy(copy.get(), data, size);
  const Bytes message(copy.get(), size);
  if (const auto* command = verified_command(message)) touch(*command);
  if (const auto* event = verified_event(message)) touch(*event);
  if (const auto* handshake = verified_handshake(message)) touch(*handshake);
  return 0;
}
