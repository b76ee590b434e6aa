#pragma once

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "shm/types/byte_order.hpp"
#include "tests/sim/stun_request.hpp"

namespace sluice::sim {

/// A STUN message of any shape: what an attacker may write. The defaults are a nominating check as browsers send it.
struct HostileStun {
  std::uint16_t type = 0x0001;
  std::uint32_t cookie = 0x2112a442;
  std::string username, password;
  std::uint32_t id = 0x7fff'0001;
  bool nominate = true;
  bool controlled = false;    ///< claims our role: a role conflict
  std::uint16_t unknown = 0;  ///< an attribute that must be understood, 0: none
  bool named = true, integrity = true, fingerprint = true;
  bool nominate_behind = false;  ///< USE-CANDIDATE behind MESSAGE-INTEGRITY, where nothing protects it
  int length_error = 0;          ///< added to the length field at last
  std::size_t filler = 0;        ///< bytes of an optional attribute

  [[nodiscard]] std::vector<std::byte> bytes() const {
    std::array<std::byte, 4096> storage{};
    ByteWriter w{MutableBytes(storage)};
    w.u16(type);
    w.u16(0);
    w.u32(cookie);
    w.u64(0x4556'494c'0000'0000);
    w.u32(id);
    const auto attribute = [&](std::uint16_t number, Bytes value) {
      w.u16(number);
      w.u16(static_cast<std::uint16_t>(value.size()));
      w.bytes(value);
      w.fill(std::byte{0}, (4 - value.size() % 4) % 4);
    };
    const auto set_length = [&](std::size_t behind) {
      store_u16(storage, 2, static_cast<std::uint16_t>(w.size() - 20 + behind));
    };
    const std::array<std::byte, 8> eight{std::byte{0x6e}, std::byte{0x7f}};
    if (named) attribute(0x0006, as_bytes(username));
    attribute(0x0024, Bytes(eight).first(4));
    attribute(controlled ? 0x8029 : 0x802a, eight);
    if (unknown != 0) attribute(unknown, eight);
    if (filler != 0) attribute(0x8031, std::vector<std::byte>(filler));
    if (nominate) attribute(0x0025, {});
    if (integrity) {
      set_length(24);
      std::array<unsigned char, 20> mac{};
      unsigned size = 0;
      HMAC(EVP_sha1(), password.data(), static_cast<int>(password.size()),
           reinterpret_cast<const unsigned char*>(storage.data()), w.size(), mac.data(), &size);
      attribute(0x0008, std::as_bytes(std::span(mac)));
    }
    if (nominate_behind) attribute(0x0025, {});
    set_length(fingerprint ? 8 : 0);
    if (fingerprint) {
      std::array<std::byte, 4> crc{};
      store_u32(crc, 0, crc32_of(w.written()) ^ 0x5354554eU);
      attribute(0x8028, crc);
    }
    if (length_error != 0) store_u16(storage, 2, static_cast<std::uint16_t>(load_u16(storage, 2) + length_error));
    return {w.written().begin(), w.written().end()};
  }
};

}  // namespace sluice::sim
