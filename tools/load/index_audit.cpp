#include "tools/load/index_audit.hpp"

#include <algorithm>

#include "shm/types/byte_order.hpp"
#include "shm/types/sequence_number.hpp"

namespace sluice::load {

namespace {

constexpr std::uint64_t bits_of_word = 64;

std::uint64_t mask_of(std::uint64_t index) noexcept {
  return std::uint64_t{1} << (index % bits_of_word);
}

}  // namespace

IndexSet::IndexSet() : bits_(window / bits_of_word), fingerprints_(fingerprints) {}

IndexVerdict IndexSet::note(std::uint64_t index, std::uint64_t fingerprint) {
  if (index >= next_) {
    if (index - next_ >= window) {
      std::fill(bits_.begin(), bits_.end(), 0);
    } else {
      for (std::uint64_t skipped = next_; skipped < index; ++skipped)
        bits_[skipped % window / bits_of_word] &= ~mask_of(skipped);
    }
    next_ = index + 1;
  } else {
    const bool remembered = next_ - index <= window;
    const bool used = !remembered || (bits_[index % window / bits_of_word] & mask_of(index)) != 0;
    if (used) {
      const bool same = next_ - index <= fingerprints && fingerprints_[index % fingerprints] == fingerprint;
      return same ? IndexVerdict::network_duplicate : IndexVerdict::repeat;
    }
  }
  bits_[index % window / bits_of_word] |= mask_of(index);
  if (next_ - index <= fingerprints) fingerprints_[index % fingerprints] = fingerprint;
  return IndexVerdict::fresh;
}

IndexVerdict IndexAudit::note(Sets& sets, Ssrc ssrc, std::uint64_t index, std::uint64_t fingerprint, std::uint64_t& fresh) {
  const auto [set, is_new] = sets.try_emplace(ssrc);
  if (is_new) ++counts_.ssrcs;
  const IndexVerdict verdict = set->second.note(index, fingerprint);
  switch (verdict) {
    case IndexVerdict::fresh:
      ++fresh;
      break;
    case IndexVerdict::network_duplicate:
      ++counts_.network_duplicates;
      break;
    case IndexVerdict::repeat:
      ++counts_.repeats;
      break;
  }
  return verdict;
}

IndexVerdict IndexAudit::note_rtp(Ssrc ssrc, std::uint64_t index, std::uint64_t fingerprint) {
  return note(rtp_, ssrc, index, fingerprint, counts_.rtp);
}

IndexVerdict IndexAudit::note_rtcp(Ssrc ssrc, std::uint32_t index, std::uint64_t fingerprint) {
  return note(rtcp_, ssrc, index, fingerprint, counts_.rtcp);
}

std::uint64_t IndexAudit::guess_rtp_index(Ssrc ssrc, std::uint16_t sequence) const noexcept {
  const auto set = rtp_.find(ssrc);
  if (set == rtp_.end() || set->second.empty()) return sequence;
  const auto reference = static_cast<std::int64_t>(set->second.highest());
  const std::int64_t guess = extend(SequenceNumber{sequence}, ExtendedSequenceNumber{reference}).value;
  return guess < 0 ? sequence : static_cast<std::uint64_t>(guess);
}

std::uint64_t tag_fingerprint(Bytes packet, std::size_t end) noexcept {
  constexpr std::size_t size = 8;
  if (end > packet.size() || end < size) return 0;
  return ByteReader(packet.subspan(end - size, size)).u64();
}

}  // namespace sluice::load
