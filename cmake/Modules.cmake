# The modules and their arrows. Left may be used by right, never the reverse; control and dataplane meet only in shm and schemas.

# --- shm: what both planes share
sluice_module(shm/types)
sluice_module(shm/descriptors USES shm_types)
sluice_module(shm/log)
sluice_module(shm/service USES shm_types)

sluice_module(shm/confinement PACKAGES sluice::seccomp)
sluice_module(shm/region USES shm_types shm_descriptors)
sluice_module(shm/ring USES shm_types shm_region)
sluice_module(shm/state_log USES shm_types shm_region)
sluice_module(shm/counters USES shm_types shm_region)
sluice_module(shm/live USES shm_types shm_region schemas)
sluice_module(shm/channel USES shm_types shm_region shm_ring shm_counters shm_live schemas)

# --- dataplane: sans-I/O modules first, then the edge
sluice_module(dataplane/packet USES shm_types)
sluice_module(dataplane/memory USES shm_types)
sluice_module(dataplane/ice USES shm_types dataplane_packet PACKAGES sluice::nice)
sluice_module(dataplane/dtls USES shm_types PACKAGES sluice::openssl)
sluice_module(dataplane/srtp USES shm_types PACKAGES sluice::openssl sluice::ipsec_mb)
sluice_module(dataplane/rtp USES shm_types dataplane_packet dataplane_memory)
sluice_module(dataplane/bwe USES shm_types dataplane_packet dataplane_memory)
sluice_module(dataplane/simulcast USES shm_types dataplane_packet)
sluice_module(dataplane/transport USES shm_types shm_counters dataplane_packet dataplane_memory dataplane_ice dataplane_srtp dataplane_rtp dataplane_bwe dataplane_simulcast)
sluice_module(dataplane/router USES dataplane_transport)
sluice_module(dataplane/engine USES shm_types dataplane_memory PACKAGES sluice::uring)
sluice_module(dataplane/process USES shm_descriptors shm_confinement)
sluice_module(dataplane/worker USES dataplane_router dataplane_engine dataplane_process shm_channel shm_state_log shm_descriptors shm_log)
# Of the engine, the handshaker uses the clock.
sluice_module(dataplane/handshaker USES dataplane_dtls dataplane_engine dataplane_process shm_channel shm_descriptors shm_log)

# --- control: the core and what hangs on it
sluice_module(control/bus)
sluice_module(control/rooms USES control_bus shm_types)
sluice_module(control/config USES shm_types PACKAGES sluice::yaml sluice::json)
# Lasting state: the interface, and what is behind it.
sluice_module(control/store USES shm_types shm_state_log)
sluice_module(control/store/sqlite USES control_store shm_descriptors shm_state_log PACKAGES sluice::sqlite)
sluice_module(control/security USES control_rooms control_store)
sluice_module(control/security/audit USES control_rooms control_json control_security shm_descriptors shm_state_log PACKAGES sluice::openssl)
sluice_module(control/reliability USES control_rooms)
sluice_module(control/compliance/retention USES control_bus control_store shm_types PACKAGES sluice::json sluice::openssl)
sluice_module(control/sdp USES shm_types)
sluice_module(control/workers USES shm_types shm_channel shm_descriptors shm_state_log)
sluice_module(control/media USES control_rooms control_sdp control_workers shm_state_log)
sluice_module(control/sessions USES control_rooms shm_state_log control_store PACKAGES sluice::openssl)
sluice_module(control/sessions/replay USES control_rooms control_store control_json PACKAGES sluice::openssl)
sluice_module(control/observability USES shm_log control_rooms control_workers PACKAGES sluice::json)
sluice_module(control/abr USES control_rooms shm_state_log PACKAGES sluice::json)
sluice_module(control/speakers USES control_rooms shm_types)
sluice_module(control/webhooks USES control_rooms PACKAGES sluice::json sluice::openssl)
sluice_module(control/loop USES shm_types PACKAGES sluice::uv sluice::websockets sluice::openssl)
sluice_module(control/crypto USES shm_types PACKAGES sluice::openssl)
# Calls to others: hooks, webhooks, alerts, traces.
sluice_module(control/http_client USES control_loop PACKAGES sluice::curl)

sluice_module(control/json USES shm_types PACKAGES sluice::json)
sluice_module(control/hooks USES control_http_client control_crypto control_json control_rooms PACKAGES sluice::json)
sluice_module(control/policy/turn USES control_json PACKAGES sluice::openssl)
sluice_module(control/signaling/room_names USES control_rooms)
sluice_module(control/signaling/connections USES shm_types)
sluice_module(control/signaling/native USES control_rooms control_sessions control_json control_signaling_connections control_signaling_room_names)
sluice_module(control/signaling/whip USES control_rooms control_sessions control_sdp control_loop control_signaling_connections shm_state_log PACKAGES sluice::json)
sluice_module(control/signaling/url)
sluice_module(control/signaling/protoo USES control_rooms control_json control_signaling_room_names control_signaling_connections control_signaling_url PACKAGES sluice::openssl)
sluice_module(control/signaling/partyrooms USES control_rooms control_json control_policy_turn control_signaling_room_names control_signaling_connections control_signaling_url PACKAGES sluice::openssl)
sluice_module(control/api USES control_rooms control_workers control_media control_json control_observability control_loop control_sessions PACKAGES sluice::json sluice::openssl)
sluice_module(control/signaling/socketio USES shm_types control_json control_rooms)
sluice_module(control/signaling/rtcio USES control_signaling_socketio PACKAGES sluice::openssl)
sluice_module(control/signaling/wrtcsignal USES control_signaling_socketio PACKAGES sluice::openssl)
sluice_module(control/policy USES control_rooms control_crypto control_json control_hooks)
sluice_module(control/deadlines USES control_rooms shm_state_log)
sluice_module(control/compliance USES control_rooms control_json control_deadlines shm_state_log)
sluice_module(control/moderation USES control_rooms control_json control_store shm_state_log)
sluice_module(control/end_to_end USES control_rooms control_json control_deadlines shm_state_log)
sluice_module(control/signaling/payloads USES control_signaling_native control_compliance control_moderation control_end_to_end)
sluice_module(control/host USES shm_types control_config)
sluice_module(control/page USES control_loop)
sluice_module(control/app USES shm_descriptors shm_confinement control_config control_store control_store_sqlite control_host control_media control_signaling_connections control_signaling_native control_api control_loop control_page control_security control_security_audit control_sessions_replay control_reliability control_compliance_retention control_json control_dashboard control_hooks control_http_client control_policy control_compliance control_moderation control_signaling_payloads control_policy_turn control_end_to_end control_abr control_speakers control_webhooks control_signaling_protoo control_signaling_partyrooms control_signaling_room_names control_signaling_whip control_signaling_rtcio control_signaling_wrtcsignal)

sluice_module(control/supervisor USES shm_channel shm_descriptors shm_confinement shm_log shm_service)
sluice_module(control/cli USES shm_descriptors control_config control_host control_supervisor shm_log control_security_audit control_policy control_policy_turn PACKAGES sluice::json sluice::openssl)

sluice_module(control/dashboard USES control_page)

include(Page)

# The library for operators' programs: a client of the control socket.
sluice_module(control/embedding USES shm_types shm_descriptors control_config control_policy control_policy_turn PACKAGES sluice::json)
include(Embedding)

# --- the load generator: a client, which shares nothing with the server but packet formats and vocabulary
sluice_module(tools/load USES shm_types shm_counters dataplane_packet dataplane_rtp dataplane_bwe PACKAGES sluice::nice sluice::openssl sluice::srtp2 sluice::websockets sluice::json)

# --- the programs
sluice_program(sluice control/cli/main.cpp USES control_cli)
sluice_program(sluice-keeper control/supervisor/main_keeper.cpp USES control_supervisor)
sluice_program(sluice-control control/app/main.cpp USES control_app)
sluice_program(sluice-worker dataplane/worker/main.cpp USES dataplane_worker)
sluice_program(sluice-handshaker dataplane/handshaker/main.cpp USES dataplane_handshaker)
sluice_program(sluice-load tools/load/main.cpp USES tools_load)
