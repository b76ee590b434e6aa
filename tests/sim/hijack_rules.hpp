#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

#include "tests/sim/hostile_scene.hpp"

namespace sluice::sim {

/// The rules of the packet path (hardening.md section 2), in the order in which a datagram meets them. Each has at least one
/// attack; a test sees to that.
enum class Rule : std::uint8_t {
  length,
  first_byte,
  stun_shape,
  stun_only_requests,
  stun_our_ufrag,
  stun_whole_username,
  stun_integrity,
  stun_fingerprint,
  stun_no_error_reply,
  stun_replay,
  tuples_from_checks_only,
  dtls_validated_tuple,
  dtls_after_ice,
  dtls_close,
  no_plaintext_media,
  no_keys_no_media,
  authentic_media,
  replay,
  old_index,
  rtp_padding,
  rtp_extension,
  rtp_csrc,
  rtp_payload_type,
  binding_needs_proof,
  binding_of_own_m_line,
  binding_declared,
  binding_limit,
  rtcp_authentic,
  rtcp_shape,
  rtcp_own_streams,
  rtcp_never_sent,
  rtcp_bounded_walk,
  count_
};

struct RuleText {
  Rule rule;
  std::string_view says;
};
inline constexpr std::array<RuleText, static_cast<std::size_t>(Rule::count_)> rule_texts{{
    {Rule::length, "datagrams over 1,500 bytes, and shorter than their protocol's least, are dropped"},
    {Rule::first_byte, "an undefined first byte is dropped"},
    {Rule::stun_shape, "STUN that is truncated, too long or without magic cookie is dropped"},
    {Rule::stun_only_requests, "responses, indications and other methods are dropped"},
    {Rule::stun_our_ufrag, "STUN is answered only when our ufrag exists"},
    {Rule::stun_whole_username, "the whole USERNAME matches"},
    {Rule::stun_integrity, "MESSAGE-INTEGRITY verifies, and nothing behind it counts"},
    {Rule::stun_fingerprint, "FINGERPRINT is there and verifies"},
    {Rule::stun_no_error_reply, "what is not authentic gets no error reply"},
    {Rule::stun_replay, "a recorded check has no effect from elsewhere"},
    {Rule::tuples_from_checks_only, "no address is learned from RTP, RTCP or DTLS"},
    {Rule::dtls_validated_tuple, "DTLS only from a validated tuple"},
    {Rule::dtls_after_ice, "DTLS only after ICE"},
    {Rule::dtls_close, "close and alert from an unvalidated tuple end nothing"},
    {Rule::no_plaintext_media, "plaintext RTP and RTCP are never an option"},
    {Rule::no_keys_no_media, "no keys, no media"},
    {Rule::authentic_media, "a wrong tag is dropped before anything changes"},
    {Rule::replay, "an index that was seen is dropped"},
    {Rule::old_index, "an index older than the window is dropped"},
    {Rule::rtp_padding, "padding length in 1..payload"},
    {Rule::rtp_extension, "extension elements inside the block, the block inside the packet"},
    {Rule::rtp_csrc, "CSRCs are counted"},
    {Rule::rtp_payload_type, "payload types 64 to 95 are no RTP, others must be negotiated"},
    {Rule::binding_needs_proof, "SSRC, MID and RID bind from authenticated packets only"},
    {Rule::binding_of_own_m_line, "an SSRC binds to an m-line and layer of its own transport only"},
    {Rule::binding_declared, "a declared binding cannot be overridden by a learned one"},
    {Rule::binding_limit, "64 incoming SSRCs, and only the offender feels it"},
    {Rule::rtcp_authentic, "RTCP with a wrong tag, or without encryption, is dropped"},
    {Rule::rtcp_shape, "malformed compounds are dropped as a whole"},
    {Rule::rtcp_own_streams, "feedback is accepted only for streams that the peer receives"},
    {Rule::rtcp_never_sent, "acknowledgements of packets never sent are ignored"},
    {Rule::rtcp_bounded_walk, "whatever count is claimed, the walk is bounded"},
}};

/// Who can write such a datagram.
enum class Attacker : std::uint8_t {
  anyone,  ///< no key: nothing at all may change
  insider  ///< a peer of the call, under its own SRTP keys: only its own replay windows move
};

/// One attack on one rule: datagrams, of which each must be dropped and raise one of `counters` by one (or none, if there
/// are no counters: then it is ignored in silence). After all of them the worker is byte-identical and has sent nothing.
struct Attack {
  Rule rule;
  std::string_view name;
  Attacker attacker;
  std::vector<Counter> counters;
  std::function<std::vector<HostileDatagram>(HostileScene&)> datagrams;
  std::function<void(HostileScene&)> prepare = {};  ///< what happened before, in the world without the attack as well
};

std::vector<Attack> stun_attacks();
std::vector<Attack> datagram_attacks();
std::vector<Attack> media_attacks();
std::vector<Attack> insider_attacks();

}  // namespace sluice::sim
