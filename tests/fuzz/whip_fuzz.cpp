// uses: control_signaling_whip
// A fragment as a client sends it by PATCH: read or refused with a sentence; what is read can be written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/signaling/whip/sdp_fragment.hpp"
#include "control/signaling/whip/whip_offer.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto fragment = whip::parse_fragment(text);
  if (!fragment && fragment.error().empty()) std::abort();
  if (fragment) {
    if (fragment->ufrag.has_value() != fragment->pwd.has_value()) std::abort();
    if (fragment->ufrag) {
      const auto again = whip::parse_fragment(whip::write_fragment({*fragment->ufrag, *fragment->pwd, {}, "0", "audio"}));
      if (!again || again->ufrag != fragment->ufrag || again->pwd != fragment->pwd) std::abort();
    }
  }
  for (const auto role : {whip::Role::publish, whip::Role::play}) {
    const auto offer = whip::prepare_offer(role, text);
    if (!offer && (offer.error().message.empty() || offer.error().status < 400)) std::abort();
    // What is handed on is one that would be taken again.
    if (offer && !whip::prepare_offer(role, offer->sdp)) std::abort();
  }
  return 0;
}
