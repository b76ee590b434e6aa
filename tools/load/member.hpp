#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/load/event_log.hpp"
#include "tools/load/ice_thread.hpp"
#include "tools/load/media_loop.hpp"
#include "tools/load/media_spec.hpp"
#include "tools/load/session_description.hpp"
#include "tools/load/signaling.hpp"

namespace sluice::load {

/// A published stream of a room, as its subscribers are to subscribe to it.
struct Producer {
  std::uint32_t publisher = 0;  ///< number in the room
  MediaKind kind = MediaKind::audio;
  std::uint32_t stream = 0;  ///< MediaStamp::stream
  std::string id;
};

class Member;

/// What all members of a run use; outlives them.
struct MemberSurroundings {
  Signaling* signaling = nullptr;
  IceThread* ice = nullptr;
  const DtlsIdentity* identity = nullptr;
  MediaLoop* media = nullptr;
  EventLog* events = nullptr;
  std::function<void(Member&)> on_ready;
  /// Before it was ready; one sentence.
  std::function<void(Member&, const std::string& why)> on_failed;
};

/// One peer's signaling: joins its room, negotiates, publishes or subscribes, hands its media to the media loop, and comes
/// back by its token whenever its WebSocket is lost.
class Member final : private SocketEvents {
 public:
  struct Config {
    std::uint32_t room = 0;
    std::uint32_t number = 0;  ///< among the publishers or subscribers of the room
    std::string room_id;
    std::uint64_t seed = 0;
    bool publisher = false;
    std::vector<Producer> producers;  ///< a publisher's own, without ids; a subscriber's all
  };
  Member(Config config, const MemberSurroundings& surroundings);
  ~Member() override;
  Member(const Member&) = delete;
  Member& operator=(const Member&) = delete;

  void start();
  /// Says goodbye and closes.
  void leave();
  /// Called now and then: connects again when it is time to.
  void tick(TimePoint now);

  struct Counts {
    std::uint64_t reconnects = 0;     ///< came back with the same session
    std::uint64_t sessions_lost = 0;  ///< had to join anew: its media is gone
    std::uint64_t errors = 0;         ///< error messages after it was ready
    std::uint64_t consumers_closed = 0;
  };
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  [[nodiscard]] const Config& config() const noexcept { return config_; }
  [[nodiscard]] bool ready() const noexcept { return state_ == State::ready; }
  /// For people: "publisher 1 of room 3".
  [[nodiscard]] std::string name() const;

 private:
  enum class State : std::uint8_t { new_, joining, negotiating, ready, failed, left };
  using Json = nlohmann::json;

  void on_open() override {}
  void on_text(std::string_view text) override;
  void on_close(std::string_view why) override;

  void send(const Json& message);
  void request(Json payload);
  void on_connected();
  void on_joined(const Json& message);
  void on_answer(const Json& message);
  void on_published(const Json& message);
  void on_subscribed(const Json& message);
  void on_error(const Json& message);
  void on_ice(IceResult result);
  void complete_if_done();
  void fail(const std::string& why);
  void note(const char* event, Json fields = Json::object());
  [[nodiscard]] PeerSpec make_spec() const;

  Config config_;
  const MemberSurroundings& surroundings_;
  std::shared_ptr<Socket> socket_;
  std::unique_ptr<IceSession> ice_;
  std::vector<OfferLine> lines_;     ///< one per producer of config_, in that order
  std::vector<std::string> filled_;  ///< by producer: the mid on which a subscriber gets it; a publisher's: its own
  std::optional<Answer> answer_;
  IceResult path_;
  std::string token_;
  State state_ = State::new_;
  TimePoint reconnect_at_ = never;
  Counts counts_;
};

}  // namespace sluice::load
