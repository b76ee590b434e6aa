#pragma once

#include <cstddef>
#include <cstdint>

#include "schemas/commands_generated.h"
#include "schemas/events_generated.h"
#include "schemas/handshake_generated.h"
#include "shm/types/bytes.hpp"

namespace sluice {

struct MessageLimits {
  static constexpr std::size_t bytes = 64 * 1024;
  static constexpr unsigned depth = 16;
  static constexpr unsigned tables = 4096;
};

// The root of a message, after the FlatBuffers verifier has passed it within MessageLimits and its union member, enums,
// text lengths and fixed sizes are ones that this build knows; else null. `message` must be private memory, aligned to 8,
// and outlive the result. What ids mean is for the receiver to check.
[[nodiscard]] const schema::Command* verified_command(Bytes message) noexcept;
[[nodiscard]] const schema::Event* verified_event(Bytes message) noexcept;
[[nodiscard]] const schema::Handshake* verified_handshake(Bytes message) noexcept;

/// The three message families, for the sender and receiver templates.
struct CommandFamily {
  using Root = schema::Command;
  static constexpr auto verified = &verified_command;
  template <typename Body>
  static constexpr auto body_type = schema::CommandBodyTraits<Body>::enum_value;
  static constexpr auto create = &schema::CreateCommand;
};
struct EventFamily {
  using Root = schema::Event;
  static constexpr auto verified = &verified_event;
  template <typename Body>
  static constexpr auto body_type = schema::EventBodyTraits<Body>::enum_value;
  static constexpr auto create = &schema::CreateEvent;
};
struct HandshakeFamily {
  using Root = schema::Handshake;
  static constexpr auto verified = &verified_handshake;
  template <typename Body>
  static constexpr auto body_type = schema::HandshakeBodyTraits<Body>::enum_value;
  static constexpr auto create = &schema::CreateHandshake;
};

}  // namespace sluice
