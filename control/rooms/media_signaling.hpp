#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/rooms/ids.hpp"
#include "shm/types/result.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// What a dialect asks of the media side on behalf of one peer; implemented by control/media. Publications, subscriptions
/// and departures reach the media side as facts, not through here. The implementation subscribes to those facts BEFORE any
/// dialect does, so that mid_of_consumer() already knows when a dialect answers a subscribe.
class MediaSignaling {
 public:
  struct Answer {
    std::string sdp;
    std::vector<std::pair<ConsumerId, std::string>> ready;  // consumers that this offer gave an m-line: (id, mid)
  };
  /// Our side of a peer's ICE session (RFC 8445), which is lite.
  struct IceSession {
    std::string ufrag;  // another in each ICE session of a peer
    std::string pwd;
    std::vector<std::string> candidates;  // values of a=candidate, most preferred first
    std::string mid;                      // the m-line that carries the transport
    std::string medium;                   // "audio", "video"
  };
  struct OfferError {
    std::string code;     // "SFU_OFFER_INVALID" as a rule
    std::string message;  // for the client's author
  };

  virtual ~MediaSignaling() = default;

  /// A member's offer (RFC 9429); the whole session is negotiated anew each time. May publish facts.
  virtual Result<Answer, OfferError> handle_offer(const PeerId& peer, std::string_view sdp, TimePoint now) = 0;
  /// A remote candidate as raw JSON. ICE-lite needs none (RFC 8445 section 2.5); an implementation may ignore it.
  virtual void handle_candidate(const PeerId& peer, std::string_view raw_json) = 0;
  /// The ICE session that a peer's last offer, or the last restart_ice(), began; nothing without one.
  [[nodiscard]] virtual std::optional<IceSession> ice_session(const PeerId& peer) const {
    (void)peer;
    return std::nullopt;
  }
  /// An ICE restart without a new description (RFC 9725 section 4.3.3): the peer's new user fragment and password; everything
  /// else that was negotiated stays. The same as before changes nothing. Errors as of handle_offer().
  virtual Result<IceSession, OfferError> restart_ice(const PeerId& peer, std::string_view ufrag, std::string_view pwd) {
    (void)peer, (void)ufrag, (void)pwd;
    return unexpected(OfferError{"SFU_TRANSPORT_CLOSED", "there is no session"});
  }
  /// The m-line that carries a consumer, as soon as there is one.
  [[nodiscard]] virtual std::optional<std::string> mid_of_consumer(const ConsumerId& consumer) const = 0;
};

}  // namespace sluice
