#pragma once

#include <cstdint>
#include <string>

#include "shm/types/ids.hpp"

namespace sluice {

/// One client connection of the transport layer; never used again for another.
using ConnectionId = Id<struct ConnectionIdTag, std::uint64_t>;

/// What the upgrade request of a connection said.
struct ConnectionInfo {
  std::string ip;           // of the client, after `trustProxy`
  std::string path;         // percent-decoded, without the query
  std::string subprotocol;  // the one selected, if any
  std::string query = {};   // as sent, percent-encoded, without '?'
  std::string origin = {};
  std::string host = {};
  bool tls = false;
  std::string raw_path = {};       // as sent, percent-encoded
  std::string authorization = {};  // the header of that name
};

}  // namespace sluice
