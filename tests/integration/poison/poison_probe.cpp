// Linked with the worker's own main into poison_worker_program: a worker that dies of one packet, as by a fault of ours that
// only certain bytes reach. RTP whose payload holds the word below aborts it, after SRTP has said that it is authentic.
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "dataplane/worker/worker_surroundings.hpp"
#include "shm/types/bytes.hpp"

namespace sluice {
namespace {

class PoisonProbe final : public PlaintextProbe {
 public:
  void on_plaintext(Bytes packet) noexcept override {
    constexpr std::string_view poison = "sluice-poison-packet";
    const auto bytes = as_bytes(poison);
    if (std::search(packet.begin(), packet.end(), bytes.begin(), bytes.end()) != packet.end()) std::abort();
  }
};

}  // namespace

PlaintextProbe* plaintext_probe() noexcept {
  static PoisonProbe probe;
  return &probe;
}

}  // namespace sluice
