#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include <sluice/export.hpp>
#include <sluice/json.hpp>

namespace sluice::rooms {

class Peer;
class Room;

/// Something that happened on the server, as docs/api.md lists them. `number` rises with every event of one life of the
/// control process; 0 for those that the library found out itself (what was missed while it was not connected).
struct Event {
  std::string name;
  Json data;
  std::uint64_t number = 0;
};

/// Ends a registration when cancel() is called; letting it go keeps the registration.
class SLUICE_API Listener {
 public:
  Listener() = default;
  explicit Listener(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  /// The handler is not called any more; one that runs at this moment on another thread may still finish.
  void cancel() {
    if (auto cancel = std::exchange(cancel_, nullptr)) cancel();
  }

 private:
  std::function<void()> cancel_;
};

namespace detail {

class ServerState;
struct PeerRecord;
struct RoomRecord;

/// An event with whom it is about; pointers are null when that is nobody that the server knows.
struct Happening {
  const Event& event;
  const Peer* peer = nullptr;
  const Room* room = nullptr;
};
using Handler = std::function<void(const Happening&)>;

template <typename>
inline constexpr bool no_such_form = false;

[[nodiscard]] SLUICE_API std::string text_in(const Json& data, const char* name);
[[nodiscard]] SLUICE_API std::optional<std::string> optional_text_in(const Json& data, const char* name);
/// `payload` of data, `body` of the others, `patch` of updates.
[[nodiscard]] SLUICE_API const Json& body_in(const Json& data);

/// Adapts a callable of any of the forms that the documentation lists.
template <typename Function>
[[nodiscard]] Handler handler_of(Function function) {
  using Text = const std::string&;
  if constexpr (std::is_invocable_v<Function&, const Event&>) {
    return [function = std::move(function)](const Happening& it) mutable { function(it.event); };
  } else if constexpr (std::is_invocable_v<Function&, const Peer&, const Room&>) {
    return [function = std::move(function)](const Happening& it) mutable {
      if (it.peer != nullptr && it.room != nullptr) function(*it.peer, *it.room);
    };
  } else if constexpr (std::is_invocable_v<Function&, const Peer&, Text>) {
    return [function = std::move(function)](const Happening& it) mutable {
      if (it.peer != nullptr) function(*it.peer, text_in(it.event.data, "reason"));
    };
  } else if constexpr (std::is_invocable_v<Function&, const Peer&, const Json&>) {
    return [function = std::move(function)](const Happening& it) mutable {
      if (it.peer != nullptr) function(*it.peer, body_in(it.event.data));
    };
  } else if constexpr (std::is_invocable_v<Function&, const Peer&>) {
    return [function = std::move(function)](const Happening& it) mutable {
      if (it.peer != nullptr) function(*it.peer);
    };
  } else if constexpr (std::is_invocable_v<Function&, const Room&>) {
    return [function = std::move(function)](const Happening& it) mutable {
      if (it.room != nullptr) function(*it.room);
    };
  } else if constexpr (std::is_invocable_v<Function&, Text, const std::optional<std::string>&, const Json&>) {
    return [function = std::move(function)](const Happening& it) mutable {
      function(text_in(it.event.data, "from"), optional_text_in(it.event.data, "to"), body_in(it.event.data));
    };
  } else if constexpr (std::is_invocable_v<Function&>) {
    return [function = std::move(function)](const Happening&) mutable { function(); };
  } else {
    static_assert(no_such_form<Function>,
                  "A handler takes (const Event&), (const Peer&, const Room&), (const Peer&), "
                  "(const Room&), (const Peer&, const std::string& reason), (const Peer&, const "
                  "Json& patch), (from, to, payload) or nothing.");
  }
}

}  // namespace detail

}  // namespace sluice::rooms
