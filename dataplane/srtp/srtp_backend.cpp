#include "dataplane/srtp/srtp_backend.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

SealJob rtcp_seal_job(SealTicket ticket, Bytes compound, MutableBytes out) noexcept {
  constexpr std::size_t clear = 8;  // the first header and its SSRC (RFC 3711 section 3.4)
  SealJob job;
  job.ticket = std::move(ticket);
  job.header = compound.first(std::min(clear, compound.size()));
  job.payload = compound.subspan(job.header.size());
  job.out = out;
  return job;
}

}  // namespace sluice
