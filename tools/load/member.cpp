#include "tools/load/member.hpp"

#include <unistd.h>

#include <algorithm>
#include <random>

#include "tools/load/clock.hpp"

namespace sluice::load {

namespace {

constexpr const char* server_peer = "__sfu__";
constexpr Duration reconnect_pause = std::chrono::milliseconds(200);

std::string text_of(const nlohmann::json& message, const char* key) {
  const auto found = message.find(key);
  return found != message.end() && found->is_string() ? found->get<std::string>() : std::string();
}

const char* kind_name(MediaKind kind) {
  return kind == MediaKind::video ? "video" : "audio";
}

}  // namespace

Member::Member(Config config, const MemberSurroundings& surroundings)
    : config_(std::move(config)), surroundings_(surroundings), filled_(config_.producers.size()) {
  std::mt19937_64 random(config_.seed);
  const auto ssrc = [&] { return Ssrc{static_cast<std::uint32_t>(random()) | 1U}; };
  for (std::size_t i = 0; i < config_.producers.size(); ++i) {
    OfferLine line;
    line.mid = std::to_string(i);
    line.kind = config_.producers[i].kind;
    line.sends = config_.publisher;
    if (line.sends) {
      line.ssrc = ssrc();
      if (line.kind == MediaKind::video) line.rtx_ssrc = ssrc();
    }
    lines_.push_back(std::move(line));
  }
}

Member::~Member() {
  surroundings_.signaling->close(socket_);
  if (state_ != State::ready && state_ != State::left && path_.socket >= 0) close(path_.socket);
}

std::string Member::name() const {
  return std::string(config_.publisher ? "publisher " : "subscriber ") + std::to_string(config_.number) + " of room " +
         std::to_string(config_.room);
}

void Member::start() {
  state_ = State::joining;
  socket_ = surroundings_.signaling->connect(*this);
}

void Member::leave() {
  if (state_ != State::ready && state_ != State::negotiating) return;
  state_ = State::left;
  if (socket_ != nullptr) {
    send({{"type", "leave"}});
    surroundings_.signaling->close(socket_);
  }
}

void Member::send(const Json& message) {
  if (socket_ != nullptr) socket_->send(message.dump());
}

void Member::request(Json payload) {
  send({{"type", "data"}, {"payload", std::move(payload)}});
}

void Member::fail(const std::string& why) {
  if (state_ == State::failed || state_ == State::ready || state_ == State::left) return;
  state_ = State::failed;
  surroundings_.on_failed(*this, why);
}

void Member::note(const char* event, Json fields) {
  if (!surroundings_.events->active()) return;
  nlohmann::ordered_json line = {{"room", config_.room}, {config_.publisher ? "publisher" : "subscriber", config_.number}};
  line.update(nlohmann::ordered_json(fields));
  surroundings_.events->write(event, wall_now_ns(), std::move(line));
}

void Member::on_text(std::string_view text) {
  const Json message = Json::parse(text, nullptr, false);
  if (!message.is_object()) return;
  const std::string type = text_of(message, "type");
  if (type == "connected") return on_connected();
  if (type == "room:joined") return on_joined(message);
  if (type == "room:state") {
    ++counts_.reconnects;
    token_ = text_of(message, "reconnectToken");
    return note("resumed");
  }
  if (type == "answer" && text_of(message, "from") == server_peer) return on_answer(message);
  if (type == "sfu:published") return on_published(message);
  if (type == "sfu:subscribed" || type == "sfu:consumer:ready") return on_subscribed(message);
  if (type == "sfu:consumer:closed") {
    ++counts_.consumers_closed;
    return note("consumer_closed");
  }
  if (type == "error") return on_error(message);
  if (type == "kicked") return fail("the server put " + name() + " out: " + text_of(message, "reason"));
}

void Member::on_connected() {
  if (token_.empty()) {
    send({{"type", "join"}, {"roomId", config_.room_id}, {"metadata", {{"displayName", name()}}}});
  } else {
    send({{"type", "reconnect"}, {"token", token_}, {"roomId", config_.room_id}});
  }
}

void Member::on_joined(const Json& message) {
  token_ = text_of(message, "reconnectToken");
  if (state_ != State::joining) {  // it came back, but as somebody new
    ++counts_.sessions_lost;
    return note("session_lost");
  }
  state_ = State::negotiating;
  try {
    ice_ = surroundings_.ice->start(
        [this](IceResult result) { surroundings_.signaling->post([this, result] { on_ice(result); }); });
  } catch (const std::exception& error) {
    return fail(error.what());
  }
  send({{"type", "offer"},
        {"target", server_peer},
        {"sdp", write_offer(lines_, ice_->local(), surroundings_.identity->fingerprint())}});
  if (!config_.publisher) return;
  for (const OfferLine& line : lines_) {
    Json payload = {{"__sfu", "publish"}, {"kind", kind_name(line.kind)}, {"trackId", line.mid}, {"mid", line.mid}};
    if (line.kind == MediaKind::video) payload["layers"] = {"only"};
    request(std::move(payload));
  }
}

void Member::on_answer(const Json& message) {
  const auto found = message.find("sdp");
  std::string sdp = text_of(message, "sdp");
  if (found != message.end() && found->is_object()) sdp = text_of(*found, "sdp");
  answer_ = read_answer(sdp);
  if (!answer_ || answer_->lines.size() != lines_.size())
    return fail("the answer to " + name() + " is not one to its offer");
  for (const AnswerLine& line : answer_->lines) {
    if (!line.accepted) return fail("the server rejected an m-line of " + name());
  }
  if (!ice_->set_remote(answer_->ice, answer_->candidates))
    return fail("none of the server's candidates can be used by " + name());
  if (config_.publisher) return;
  for (const Producer& producer : config_.producers) request({{"__sfu", "subscribe"}, {"producerId", producer.id}});
}

void Member::on_published(const Json& message) {
  const std::string track = text_of(message, "trackId");
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    if (lines_[i].mid != track) continue;
    config_.producers[i].id = text_of(message, "producerId");
    filled_[i] = track;
  }
  complete_if_done();
}

void Member::on_subscribed(const Json& message) {
  // sfu:consumer:ready names the consumer only; we offer enough m-lines first, so sfu:subscribed always has the mid.
  const std::string producer = text_of(message, "producerId");
  const std::string mid = text_of(message, "mid");
  for (std::size_t i = 0; i < config_.producers.size(); ++i) {
    if (config_.producers[i].id == producer && !mid.empty()) filled_[i] = mid;
  }
  complete_if_done();
}

void Member::on_error(const Json& message) {
  const std::string code = text_of(message, "code");
  ++counts_.errors;
  note("error", {{"code", code}});
  if (code == "RECONNECT_TOKEN_INVALID" || code == "ROOM_GONE") return;
  fail("the server answered " + name() + " with " + code + " " + text_of(message, "message"));
}

void Member::on_ice(IceResult result) {
  ice_.reset();
  if (result.socket < 0) return fail("no path to the server's media port was found for " + name());
  path_ = result;
  complete_if_done();
}

void Member::complete_if_done() {
  if (state_ != State::negotiating || path_.socket < 0 || !answer_) return;
  if (std::any_of(filled_.begin(), filled_.end(), [](const std::string& mid) { return mid.empty(); })) return;
  state_ = State::ready;
  surroundings_.media->add(make_spec());
  surroundings_.on_ready(*this);
}

PeerSpec Member::make_spec() const {
  PeerSpec spec;
  spec.socket = path_.socket;
  spec.local = path_.local;
  spec.remote = answer_->ice;
  spec.fingerprint = answer_->fingerprint;
  spec.seed = config_.seed;
  if (!answer_->lines.empty()) {
    spec.mid_extension = answer_->lines.front().mid_extension;
    spec.transport_cc_extension = answer_->lines.front().transport_cc_extension;
  }
  for (std::size_t i = 0; i < config_.producers.size(); ++i) {
    const Producer& producer = config_.producers[i];
    const auto line = std::find_if(answer_->lines.begin(), answer_->lines.end(),
                                   [&](const AnswerLine& candidate) { return candidate.mid == filled_[i]; });
    if (line == answer_->lines.end()) continue;
    if (config_.publisher) {
      spec.sends.push_back({.stream = producer.stream,
                            .kind = producer.kind,
                            .mid = lines_[i].mid,
                            .ssrc = lines_[i].ssrc,
                            .rtx_ssrc = line->rtx ? lines_[i].rtx_ssrc : Ssrc{}});
    } else {
      spec.receives.push_back({.stream = producer.stream,
                               .label = {.room = config_.room,
                                         .publisher = producer.publisher,
                                         .subscriber = config_.number,
                                         .kind = producer.kind},
                               .ssrc = line->ssrc,
                               .rtx_ssrc = line->rtx ? line->rtx_ssrc : Ssrc{}});
    }
  }
  return spec;
}

void Member::on_close(std::string_view why) {
  socket_.reset();
  if (state_ == State::joining || state_ == State::negotiating)
    return fail("the WebSocket of " + name() + " failed: " + std::string(why));
  if (state_ != State::ready) return;
  if (reconnect_at_ == never) note("signaling_lost");
  reconnect_at_ = monotonic_now() + reconnect_pause;
}

void Member::tick(TimePoint now) {
  if (state_ != State::ready || socket_ != nullptr || now < reconnect_at_) return;
  reconnect_at_ = never;
  socket_ = surroundings_.signaling->connect(*this);
}

}  // namespace sluice::load
