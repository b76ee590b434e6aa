// uses: control_sdp
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/sdp/answerer.hpp"
#include "control/sdp/parser.hpp"
#include "control/sdp/writer.hpp"

// Any text: parsed, written and parsed again gives the same; what can be answered has a readable answer with as many
// m-lines.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sluice;
  const auto offer = sdp::parse(std::string_view(reinterpret_cast<const char*>(data), size));
  if (!offer) return 0;
  const auto again = sdp::parse(sdp::write(*offer), {.bytes_max = 16U << 20U});
  if (!again || *again != *offer) std::abort();
  const auto negotiation = sdp::negotiate(*offer, {});
  if (!negotiation) return 0;
  sdp::LocalTransport local;
  local.ice_ufrag = "ufragufr";
  local.ice_pwd = "passwordpasswordpassword";
  local.addresses = {SocketAddress::from_ipv4({192, 0, 2, 1}, 40000)};
  local.cname = "sluice";
  const std::vector<sdp::SendingLine> sending(offer->media.size(), {Ssrc{1}, Ssrc{2}, "stream", "track"});
  const auto answer = sdp::make_answer(*offer, *negotiation, {}, local, sending);
  const auto reread = sdp::parse(sdp::write(answer), {.bytes_max = 16U << 20U});
  if (!reread || *reread != answer || reread->media.size() != offer->media.size()) std::abort();
  return 0;
}
