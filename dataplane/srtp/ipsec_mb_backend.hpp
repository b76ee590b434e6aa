#pragma once

#include <cstdint>
#include <memory>

#include "dataplane/srtp/srtp_backend.hpp"

namespace sluice {

/// Which of the library's implementations. Only tests and benchmarks name one: `best` is the one for this CPU.
enum class InstructionSet : std::uint8_t { best, sse, avx, avx2, avx512 };

/// The fast backend: ipsec-mb. AES-GCM packet by packet with VAES where the CPU has it; AES-CM with the HMACs of several
/// packets side by side in the lanes of one vector unit, where a call brings enough of them.
///
/// A payload that many jobs of one call share behind prefixes of their own (the fan-out of VP8) is copied once in front of
/// the cipher and each prefix put before it: cheaper than the library's interface for pieces, and than a copy per packet.
///
/// Null where it cannot run: built without the library (it exists for x86-64 only), a CPU without AES-NI, PCLMULQDQ or the
/// instructions asked for, or a library that fails its own test. Makes no system calls after this one.
[[nodiscard]] std::unique_ptr<SrtpBackend> open_ipsec_mb_backend(InstructionSet wanted = InstructionSet::best);

}  // namespace sluice
