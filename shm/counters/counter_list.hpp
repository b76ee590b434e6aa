#pragma once

// Every counter of a worker, in the order of the segment. Names are stable: dashboards and tests know them. New ones go to
// the end; none is reused. X(id, family, labels, help): the Prometheus series is family{labels}.
#define SLUICE_COUNTERS(X)                                                                                                  \
  X(datagrams_in, "sluice_datagrams_received_total", "", "Datagrams received by the media sockets.")                        \
  X(bytes_in, "sluice_bytes_received_total", "", "UDP payload bytes received.")                                             \
  X(datagrams_out, "sluice_datagrams_sent_total", "", "Datagrams given to the kernel.")                                     \
  X(bytes_out, "sluice_bytes_sent_total", "", "UDP payload bytes given to the kernel.")                                     \
  X(drop_bad_length, "sluice_drops_total", "reason=\"bad_length\"", "Shorter or longer than any packet we take.")           \
  X(drop_unknown_class, "sluice_drops_total", "reason=\"unknown_class\"", "First byte of no protocol (RFC 7983).")          \
  X(drop_unknown_tuple, "sluice_drops_total", "reason=\"unknown_tuple\"", "Not STUN and from an address of no transport.")  \
  X(drop_stun_bad_integrity, "sluice_drops_total", "reason=\"stun_bad_integrity\"",                                         \
    "MESSAGE-INTEGRITY or user name wrong.")                                                                                \
  X(drop_stun_rate, "sluice_drops_total", "reason=\"stun_rate\"", "Over the rate limit of an address.")                     \
  X(drop_dtls_not_validated, "sluice_drops_total", "reason=\"dtls_not_validated\"", "DTLS before ICE validated the path.")  \
  X(drop_dtls_over_budget, "sluice_drops_total", "reason=\"dtls_over_budget\"", "Over a transport's handshake budget.")     \
  X(drop_srtp_bad_tag, "sluice_drops_total", "reason=\"srtp_bad_tag\"", "Authentication failed.")                           \
  X(drop_srtp_replay, "sluice_drops_total", "reason=\"srtp_replay\"", "Index seen before.")                                 \
  X(drop_srtp_old, "sluice_drops_total", "reason=\"srtp_old\"", "Index older than the replay window.")                      \
  X(drop_srtp_unknown_ssrc, "sluice_drops_total", "reason=\"srtp_unknown_ssrc\"", "SSRC belongs to no stream.")             \
  X(drop_srtp_no_keys, "sluice_drops_total", "reason=\"srtp_no_keys\"", "Media before the handshake was done.")             \
  X(drop_rtp_parse, "sluice_drops_total", "reason=\"rtp_parse\"", "Malformed RTP.")                                         \
  X(drop_rtcp_parse, "sluice_drops_total", "reason=\"rtcp_parse\"", "Malformed RTCP.")                                      \
  X(drop_stun_parse, "sluice_drops_total", "reason=\"stun_parse\"", "Malformed STUN.")                                      \
  X(drop_extension_parse, "sluice_drops_total", "reason=\"extension_parse\"", "Malformed RTP header extensions.")           \
  X(drop_ssrc_limit, "sluice_drops_total", "reason=\"ssrc_limit\"", "More SSRCs than a transport may have.")                \
  X(drop_not_published, "sluice_drops_total", "reason=\"not_published\"", "RTP on an m-line that was never published.")     \
  X(drop_policy_denied, "sluice_drops_total", "reason=\"policy_denied\"", "The publication is not to be forwarded.")        \
  X(drop_send_queue_full, "sluice_drops_total", "reason=\"send_queue_full\"", "A subscriber's pacing queue was full.")      \
  X(drop_pool_exhausted, "sluice_drops_total", "reason=\"pool_exhausted\"", "No packet buffer was free.")                   \
  X(send_errors, "sluice_send_errors_total", "", "Sends that the kernel refused.")                                          \
  X(forwarded_packets, "sluice_forwarded_packets_total", "", "RTP packets queued for a subscriber.")                        \
  X(forwarded_bytes, "sluice_forwarded_bytes_total", "", "RTP payload bytes queued for a subscriber.")                      \
  X(rtx_sent, "sluice_rtx_sent_total", "", "Retransmissions sent (RFC 4588).")                                              \
  X(rtx_cache_misses, "sluice_rtx_cache_misses_total", "", "Requested packets no longer in the cache.")                     \
  X(nacks_sent, "sluice_nacks_sent_total", "", "Packets asked of publishers (RFC 4585).")                                   \
  X(nacks_received, "sluice_nacks_received_total", "", "Packets asked by subscribers.")                                     \
  X(plis_sent, "sluice_plis_sent_total", "", "Key frames asked of publishers.")                                             \
  X(plis_received, "sluice_plis_received_total", "", "Key frames asked by subscribers (PLI or FIR).")                       \
  X(key_frame_requests_merged, "sluice_key_frame_requests_merged_total", "", "Requests answered by one already under way.") \
  X(twcc_sent, "sluice_twcc_feedback_sent_total", "", "Transport-wide feedback sent to publishers.")                        \
  X(twcc_received, "sluice_twcc_feedback_received_total", "", "Transport-wide feedback from subscribers.")                  \
  X(sender_reports_sent, "sluice_sender_reports_sent_total", "", "RTCP SR sent.")                                           \
  X(receiver_reports_sent, "sluice_receiver_reports_sent_total", "", "RTCP RR sent.")                                       \
  X(commands_applied, "sluice_commands_applied_total", "", "Commands of control that took effect.")                         \
  X(commands_refused, "sluice_commands_refused_total", "",                                                                  \
    "Messages on the command ring that were malformed or impossible.")                                                      \
  X(events_dropped, "sluice_events_dropped_total", "", "Events not sent because the ring was full.")                        \
  X(handshakes_started, "sluice_dtls_handshakes_started_total", "", "DTLS associations opened.")                            \
  X(handshakes_done, "sluice_dtls_handshakes_done_total", "", "DTLS handshakes that gave keys.")                            \
  X(handshakes_failed, "sluice_dtls_handshakes_failed_total", "", "DTLS handshakes that ended without keys.")               \
  X(ticks, "sluice_worker_ticks_total", "", "Turns of the worker's loop.")                                                  \
  X(drop_seal_failed, "sluice_drops_total", "reason=\"seal_failed\"", "Not encrypted: index used before, or no keys.")      \
  X(drop_duplicate, "sluice_drops_total", "reason=\"duplicate\"", "Media that came before, itself or as a repair.")         \
  X(drop_codec, "sluice_drops_total", "reason=\"codec\"", "Payload type not negotiated by the sender.")                     \
  X(drop_codec_receiver, "sluice_drops_total", "reason=\"codec_receiver\"", "Codec not negotiated by the receiver.")        \
  X(drop_ssrc_conflict, "sluice_drops_total", "reason=\"ssrc_conflict\"", "SSRC claimed by another m-line (RFC 8843).")     \
  X(drop_rtx_unusable, "sluice_drops_total", "reason=\"rtx_unusable\"", "RTX without a stream to repair (RFC 4588).")       \
  X(drop_rtcp_foreign, "sluice_drops_total", "reason=\"rtcp_foreign\"",                                                     \
    "Feedback on a stream its sender does not receive.")                                                                    \
  X(padding_consumed, "sluice_padding_consumed_total", "", "Packets of padding only, taken out of the numbering.")          \
  X(rtx_refused, "sluice_rtx_refused_total", "", "Requested packets not sent again: budget, tries or interval.")            \
  X(commands_stale, "sluice_commands_stale_total", "", "Commands that named an incarnation that is over.")                  \
  X(generations_refused, "sluice_generations_refused_total", "", "Generations refused for one bad command.")                \
  X(handshake_messages_dropped, "sluice_handshake_messages_dropped_total", "", "To the handshaker, its ring full.")         \
  X(adoptions, "sluice_worker_adoptions_total", "", "Times that a new process took over the streams of this worker.")       \
  X(sessions_blamed, "sluice_sessions_blamed_total", "", "Crashes of the worker with a session's work in hand.")            \
  X(sessions_quarantined, "sluice_sessions_quarantined_total", "", "Sessions shut out after two such crashes.")             \
  X(wishes_not_kept, "sluice_wishes_not_kept_total", "", "Generations that a successor would not know: no room.")           \
  X(transports_departed, "sluice_transports_departed_total", "", "Transports whose streams another worker was given.")      \
  X(transports_arrived, "sluice_transports_arrived_total", "", "Transports whose streams another worker gave us.")          \
  X(datagrams_relayed, "sluice_datagrams_relayed_total", "",                                                                \
    "Datagrams passed on to the worker that has their transport now.")                                                      \
  X(drop_relay, "sluice_drops_total", "reason=\"relay\"", "Datagrams between workers: ring full, malformed or gone round.") \
  X(drop_dtls_malformed, "sluice_drops_total", "reason=\"dtls_malformed\"",                                                 \
    "Not whole DTLS records, from a validated path.")                                                                       \
  X(policy_stale, "sluice_policy_stale_total", "", "Wishes of an older policy decision than the one that holds.")
