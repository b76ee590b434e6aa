#include "dataplane/transport/spec.hpp"

namespace sluice {

std::optional<CodecMatch> find_payload_type(const std::vector<CodecSpec>& codecs, std::uint8_t payload_type) noexcept {
  for (const CodecSpec& spec : codecs) {
    if (spec.payload_type == payload_type) return CodecMatch{&spec, false};
    if (spec.rtx_payload_type == payload_type) return CodecMatch{&spec, true};
  }
  return std::nullopt;
}

const CodecSpec* find_codec(const std::vector<CodecSpec>& codecs, Codec codec) noexcept {
  for (const CodecSpec& spec : codecs) {
    if (spec.codec == codec) return &spec;
  }
  return nullptr;
}

}  // namespace sluice
