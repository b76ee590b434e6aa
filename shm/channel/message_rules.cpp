#include "shm/channel/message_rules.hpp"

namespace sluice {
namespace {

using schema::CommandBody;
using schema::EventBody;
using schema::HandshakeBody;

template <typename Enum>
bool in_range(Enum value) {
  return value >= Enum::MIN && value <= Enum::MAX;
}

bool has_size(const flatbuffers::Vector<std::uint8_t>* bytes, std::size_t size) {
  return bytes->size() == size;
}

bool fits(const flatbuffers::String* text, std::size_t size_max) {
  return text == nullptr || text->size() <= size_max;
}

template <typename Item>
bool count_at_most(const flatbuffers::Vector<Item>* items, std::size_t count_max) {
  return items == nullptr || items->size() <= count_max;
}

// RFC 8445 section 5.3 allows 256 characters; our texts hold 255.
constexpr std::size_t ice_text_max = 255;
constexpr std::size_t mid_max = 31;
constexpr std::size_t codecs_max = 32;
constexpr std::size_t layers_max = 3;
constexpr std::size_t ssrcs_max = 16;
// A UDP payload; HandshakeDatagram and HandshakeSend carry one.
constexpr std::size_t datagram_max = 2048;
constexpr std::size_t key_salt_max = 64;

bool good_codecs(const flatbuffers::Vector<flatbuffers::Offset<schema::CodecMapping>>* codecs) {
  if (codecs == nullptr) return true;
  if (codecs->size() > codecs_max) return false;
  for (const schema::CodecMapping* codec : *codecs) {
    if (!in_range(codec->codec()) || codec->payload_type() > 127) return false;
    if (codec->rtx_payload_type() > 127 && codec->rtx_payload_type() != 255) return false;
  }
  return true;
}

bool good(const schema::UpsertTransport& transport) {
  return transport.id() != 0 && fits(transport.local_ufrag(), ice_text_max) && fits(transport.local_pwd(), ice_text_max) &&
         fits(transport.remote_ufrag(), ice_text_max) && in_range(transport.dtls_role()) &&
         has_size(transport.fingerprint(), 32);
}

bool good(const schema::UpsertPublication& publication) {
  if (publication.id() == 0 || !in_range(publication.kind()) || !fits(publication.mid(), mid_max)) return false;
  if (!good_codecs(publication.codecs()) || !count_at_most(publication.rids(), layers_max)) return false;
  if (publication.rids() != nullptr) {
    for (const flatbuffers::String* rid : *publication.rids()) {
      if (!fits(rid, mid_max)) return false;
    }
  }
  if (publication.ssrcs() == nullptr) return true;
  if (publication.ssrcs()->size() > ssrcs_max) return false;
  for (const schema::DeclaredSsrc* declared : *publication.ssrcs()) {
    if (declared->layer() >= layers_max) return false;
  }
  return true;
}

bool good(const schema::UpsertSubscription& subscription) {
  return subscription.id() != 0 && in_range(subscription.kind()) && fits(subscription.mid(), mid_max) &&
         good_codecs(subscription.codecs());
}

/// The rows that one transport can have, and all publications of a worker.
constexpr std::size_t moved_rows_max = 2048;

bool good(const schema::UpsertDeparture& departure) {
  return departure.transport() != 0 && departure.to_transport() != 0 &&
         count_at_most(departure.publications(), moved_rows_max) && count_at_most(departure.subscriptions(), moved_rows_max);
}

bool good(const schema::Command& command) {
  switch (command.body_type()) {
    case CommandBody::Begin:
    case CommandBody::Commit:
    case CommandBody::RequestKeyFrame:
      return true;
    case CommandBody::UpsertTransport:
      return good(*command.body_as_UpsertTransport());
    case CommandBody::UpsertPublication:
      return good(*command.body_as_UpsertPublication());
    case CommandBody::UpsertSubscription:
      return good(*command.body_as_UpsertSubscription());
    case CommandBody::UpsertDeparture:
      return good(*command.body_as_UpsertDeparture());
    case CommandBody::Remove:
      return in_range(command.body_as_Remove()->entity());
    case CommandBody::NONE:
      return false;
  }
  return false;  // a member of a newer schema
}

bool good(const schema::Event& event) {
  switch (event.body_type()) {
    case EventBody::TransportChanged:
      return in_range(event.body_as_TransportChanged()->state()) && in_range(event.body_as_TransportChanged()->reason());
    case EventBody::PublicationChanged:
    case EventBody::SubscriptionChanged:
    case EventBody::GenerationApplied:
    case EventBody::SnapshotWanted:
      return true;
    case EventBody::NONE:
      return false;
  }
  return false;
}

bool good(const schema::Handshake& message) {
  switch (message.body_type()) {
    case HandshakeBody::HandshakeOpen:
      return message.body_as_HandshakeOpen()->role() <= 1 && has_size(message.body_as_HandshakeOpen()->fingerprint(), 32);
    case HandshakeBody::HandshakeDatagram:
      return message.body_as_HandshakeDatagram()->bytes()->size() <= datagram_max;
    case HandshakeBody::HandshakeSend:
      return message.body_as_HandshakeSend()->bytes()->size() <= datagram_max;
    case HandshakeBody::HandshakeDone:
      return message.body_as_HandshakeDone()->local_key_salt()->size() <= key_salt_max &&
             message.body_as_HandshakeDone()->remote_key_salt()->size() <= key_salt_max;
    case HandshakeBody::HandshakeClose:
    case HandshakeBody::HandshakeFailed:
    case HandshakeBody::HandshakerStarted:
    case HandshakeBody::HandshakeMove:
      return true;
    case HandshakeBody::NONE:
      return false;
  }
  return false;
}

template <typename Root>
const Root* verified(Bytes message) noexcept {
  if (message.size() > MessageLimits::bytes) return nullptr;
  const auto* const data = reinterpret_cast<const std::uint8_t*>(message.data());
  flatbuffers::Verifier verifier(data, message.size(), MessageLimits::depth, MessageLimits::tables);
  if (!verifier.VerifyBuffer<Root>(nullptr)) return nullptr;
  const Root* const root = flatbuffers::GetRoot<Root>(data);
  return good(*root) ? root : nullptr;
}

}  // namespace

const schema::Command* verified_command(Bytes message) noexcept {
  return verified<schema::Command>(message);
}
const schema::Event* verified_event(Bytes message) noexcept {
  return verified<schema::Event>(message);
}
const schema::Handshake* verified_handshake(Bytes message) noexcept {
  return verified<schema::Handshake>(message);
}

}  // namespace sluice
