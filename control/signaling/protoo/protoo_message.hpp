#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "control/json/json_view.hpp"

/// The messages of protoo (contract protoo, section 3): one JSON object each.
namespace sluice::protoo {

/// Ids are numbers of the other side's choice: kept as they were written and echoed so, whatever their sign or precision.
struct Request {
  std::string_view id;
  std::string method;  // may be empty
  JsonView data;       // an empty object when absent or falsy
};
struct Response {
  std::string_view id;
  bool ok = false;
  JsonView data;                         // of a success
  std::optional<JsonView> error_code;    // of an error, if given
  std::optional<JsonView> error_reason;  // the same
};
struct Notification {
  std::string method;
  JsonView data;
};
using Message = std::variant<Request, Response, Notification>;

/// Reads one text message; nothing for what the protocol ignores. The result borrows `text`.
[[nodiscard]] std::optional<Message> parse(std::string_view text);

/// The empty object that stands for absent data.
[[nodiscard]] JsonView empty_data();

// The texts that go out. `data` is one JSON text, `id` and `method` as above.
[[nodiscard]] std::string request_text(std::string_view id, std::string_view method, std::string_view data);
[[nodiscard]] std::string success_text(std::string_view id, std::string_view data = "{}");
[[nodiscard]] std::string error_text(std::string_view id, int code, std::string_view reason);
/// With another peer's code and reason, JSON texts of any kind, left out where empty.
[[nodiscard]] std::string error_text_raw(std::string_view id, std::string_view code, std::string_view reason);
[[nodiscard]] std::string notification_text(std::string_view method, std::string_view data);
/// The notification of what a peer said to others: `{peerId, data}`.
[[nodiscard]] std::string said_text(std::string_view method, std::string_view peer, std::string_view data);

}  // namespace sluice::protoo
