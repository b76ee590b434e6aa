#include "dataplane/srtp/openssl_backend.hpp"

#include "dataplane/srtp/openssl_packet_cipher.hpp"

namespace sluice {
namespace {

using Direction = OpensslPacketCipher::Direction;

/// RTP and RTCP ciphers of one direction; `Base` is SealingContext or OpeningContext.
template <typename Base, Direction direction>
class OpensslContext final : public Base {
 public:
  explicit OpensslContext(const SessionKeys& keys)
      : rtp_(keys.profile, keys.rtp, direction), rtcp_(keys.profile, keys.rtcp, direction) {}
  [[nodiscard]] OpensslPacketCipher& of(SrtpPacketKind kind) noexcept { return kind == SrtpPacketKind::rtp ? rtp_ : rtcp_; }

 private:
  OpensslPacketCipher rtp_;
  OpensslPacketCipher rtcp_;
};
using Sealing = OpensslContext<SealingContext, Direction::seal>;
using Opening = OpensslContext<OpeningContext, Direction::open>;

}  // namespace

std::unique_ptr<SealingContext> OpensslSrtpBackend::make_sealing_context(const SessionKeys& keys) {
  return is_usable(keys.profile) ? std::make_unique<Sealing>(keys) : nullptr;
}

std::unique_ptr<OpeningContext> OpensslSrtpBackend::make_opening_context(const SessionKeys& keys) {
  return is_usable(keys.profile) ? std::make_unique<Opening>(keys) : nullptr;
}

void OpensslSrtpBackend::seal(std::span<SealJob> jobs) noexcept {
  for (SealJob& job : jobs) {
    auto* context = static_cast<Sealing*>(job.ticket.spend());
    if (context == nullptr) {
      job.result = unexpected(SrtpError::index_used);
    } else {
      job.result = context->of(job.ticket.kind()).seal(job);
    }
  }
}

void OpensslSrtpBackend::open(std::span<OpenJob> jobs) noexcept {
  for (OpenJob& job : jobs) {
    auto* context = static_cast<Opening*>(job.context);
    job.result =
        context == nullptr ? Result<std::size_t, SrtpError>(unexpected(SrtpError::no_key)) : context->of(job.kind).open(job);
  }
}

}  // namespace sluice
