#include "control/signaling/socketio/placeholders.hpp"

#include <algorithm>
#include <string>

#include "control/json/json_view.hpp"

namespace sluice::socketio {
namespace {

constexpr std::string_view marker = "_placeholder";

/// Walks the text once. Objects that are open lie on a stack, so depth costs no recursion.
class Walk {
 public:
  Walk(std::string_view json, std::size_t attachments) : json_(json), attachments_(attachments) {}

  std::optional<std::vector<Placeholder>> run() {
    while (at_ < json_.size()) {
      const char c = json_[at_];
      if (c == '"') {
        text();
        continue;
      }
      if (c == '{' || c == '[') {
        open_.push_back({at_, c == '{'});
        expects_key_ = c == '{';
      } else if (c == ',') {
        expects_key_ = !open_.empty() && open_.back().is_object;
      } else if (c == '}' || c == ']') {
        if (!leave()) return std::nullopt;
      } else if (c == 't' || c == 'f' || c == 'n' || c == '-' || (c >= '0' && c <= '9')) {
        literal();
        continue;
      }
      ++at_;
    }
    return std::move(found_);
  }

 private:
  struct Open {
    std::size_t begin;
    bool is_object;
    bool marked = false;  // `"_placeholder":true` was seen
    std::optional<std::size_t> number = std::nullopt;
  };

  void text() {
    const std::size_t begin = at_;
    for (++at_; at_ < json_.size() && json_[at_] != '"'; ++at_) {
      if (json_[at_] == '\\') ++at_;
    }
    at_ = std::min(at_ + 1, json_.size());
    if (!expects_key_) return value("\"");
    expects_key_ = false;
    const std::string_view raw = json_.substr(begin, at_ - begin);
    if (raw.find('\\') == std::string_view::npos) {
      key_ = raw.substr(1, raw.size() - 2);
    } else {
      const auto view = JsonView::parse(raw);
      key_ = view ? view->as_string().value_or("") : "";
    }
  }

  void literal() {
    const std::size_t begin = at_;
    while (at_ < json_.size() && json_[at_] != ',' && json_[at_] != '}' && json_[at_] != ']' && json_[at_] != ' ' &&
           json_[at_] != '\t' && json_[at_] != '\n' && json_[at_] != '\r')
      ++at_;
    value(json_.substr(begin, at_ - begin));
  }

  /// A member of the innermost object got a value that is no container. Of a key that comes twice the last counts.
  void value(std::string_view raw) {
    if (open_.empty() || !open_.back().is_object) return;
    if (key_ == marker) open_.back().marked = raw == "true";
    if (key_ == "num") {
      open_.back().number.reset();
      const bool digits = !raw.empty() && raw.size() <= 4 &&
                          std::all_of(raw.begin(), raw.end(), [](char c) { return c >= '0' && c <= '9'; });
      if (digits) open_.back().number = static_cast<std::size_t>(std::stoul(std::string(raw)));
    }
  }

  bool leave() {
    if (open_.empty()) return true;
    const Open closed = open_.back();
    open_.pop_back();
    expects_key_ = false;
    key_.clear();
    if (!closed.is_object || !closed.marked) return true;
    if (!closed.number || *closed.number >= attachments_) return false;
    while (!found_.empty() && found_.back().begin > closed.begin) found_.pop_back();  // inside this one: replaced with it
    found_.push_back({closed.begin, at_ + 1 - closed.begin, *closed.number});
    return true;
  }

  std::string_view json_;
  std::size_t attachments_;
  std::size_t at_ = 0;
  bool expects_key_ = false;
  std::string key_;
  std::vector<Open> open_;
  std::vector<Placeholder> found_;
};

}  // namespace

std::optional<std::vector<Placeholder>> find_placeholders(std::string_view json, std::size_t attachments) {
  return Walk(json, attachments).run();
}

}  // namespace sluice::socketio
