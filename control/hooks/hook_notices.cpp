#include "control/hooks/hook_notices.hpp"

#include <utility>

namespace sluice {

HookNotices::HookNotices(Hooks& hooks, std::function<TimePoint()> now, HookNoticesOptions options)
    : hooks_(hooks), now_(std::move(now)), options_(options), self_(std::make_shared<HookNotices*>(this)) {}

HookNotices::~HookNotices() {
  *self_ = nullptr;
}

void HookNotices::tell(const std::string& hook, nlohmann::json notice) {
  if (!hooks_.attached(hook)) return;
  Line& line = lines_[hook];
  if (line.waiting.size() >= options_.waiting_max) {
    ++statistics_.dropped;
    line.waiting.pop_front();
  }
  line.waiting.push_back(std::move(notice));
  send(hook, line);
}

void HookNotices::send(const std::string& hook, Line& line) {
  // A provider may answer at once, from inside the call.
  if (std::exchange(line.sending, true)) return;
  while (!line.waiting.empty() && line.under_way < options_.under_way_max) {
    const nlohmann::json notice = std::move(line.waiting.front());
    line.waiting.pop_front();
    ++line.under_way;
    hooks_.call(hook, notice, now_(), [self = self_, hook](const HookResult& result) {
      HookNotices* notices = *self;
      if (notices == nullptr) return;
      ++(result ? notices->statistics_.told : notices->statistics_.failed);
      Line& own = notices->lines_.at(hook);
      --own.under_way;
      notices->send(hook, own);
    });
  }
  line.sending = false;
}

}  // namespace sluice
