#include "control/hooks/hooks.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

struct HookReply::Shared {
  Function answer;

  explicit Shared(Function function) : answer(std::move(function)) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() {
    if (answer) answer(unexpected(HookFailure{"the hook gave no answer"}));
  }
};

HookReply::HookReply(Function answer) : shared_(std::make_shared<Shared>(std::move(answer))) {}

void HookReply::operator()(const HookResult& result) const {
  if (const auto answer = std::exchange(shared_->answer, nullptr)) answer(result);
}

bool HookReply::answered() const noexcept {
  return shared_->answer == nullptr;
}

void Hooks::require(const std::string& hook, bool required) {
  if (required) {
    required_.insert(hook);
    return;
  }
  required_.erase(hook);
  const std::vector<Waiting> waiting = std::exchange(waiting_, {});
  for (const Waiting& one : waiting) {
    if (one.hook == hook) {
      one.reply(unexpected(HookFailure{"nobody answers this hook"}));
    } else {
      waiting_.push_back(one);
    }
  }
}

bool Hooks::has_room() {
  if (pending_.size() < options_.pending_max) return true;
  std::erase_if(pending_, [](const auto& entry) { return entry.second.answered(); });
  return pending_.size() < options_.pending_max;
}

Hooks::Attachment Hooks::attach(std::string hook, Provider provider) {
  auto shared = std::make_shared<Provider>(std::move(provider));
  auto& list = providers_[hook];
  std::erase_if(list, [](const std::weak_ptr<Provider>& other) { return other.expired(); });
  list.push_back(shared);
  std::vector<Waiting> due;
  std::vector<Waiting> others;
  for (Waiting& waiting : waiting_) (waiting.hook == hook ? due : others).push_back(std::move(waiting));
  waiting_ = std::move(others);
  for (const Waiting& waiting : due) {
    if (!waiting.reply.answered()) (*shared)(waiting.request, waiting.reply);
  }
  return Attachment(std::move(shared));
}

std::shared_ptr<Hooks::Provider> Hooks::provider_of(std::string_view hook) const {
  const auto found = providers_.find(hook);
  if (found == providers_.end()) return nullptr;
  for (auto candidate = found->second.rbegin(); candidate != found->second.rend(); ++candidate) {
    if (auto provider = candidate->lock()) return provider;
  }
  return nullptr;
}

bool Hooks::attached(std::string_view hook) const {
  return provider_of(hook) != nullptr;
}

void Hooks::call(std::string_view hook, const nlohmann::json& request, TimePoint now, HookReply::Function reply) {
  Statistics& own = books_->by_hook.try_emplace(std::string(hook)).first->second;  // stays where it is
  ++books_->all.calls;
  ++own.calls;
  const TimePoint asked = options_.now != nullptr ? options_.now() : now;
  const auto counted = [books = books_, &own, asked, clock = options_.now,
                        answer = std::move(reply)](const HookResult& result) {
    for (Statistics* statistics : {&books->all, &own}) {
      if (result) {
        ++statistics->answers;
        if (clock != nullptr) statistics->answer_time += clock() - asked;
      } else {
        ++statistics->failures;
        if (books->timing_out) ++statistics->timeouts;
      }
    }
    books->timing_out = false;
    answer(result);
  };
  const auto fail = [&](const char* message) { counted(unexpected(HookFailure{message})); };
  const auto provider = provider_of(hook);
  if (provider == nullptr && !required(hook)) return fail("nobody answers this hook");
  if (!has_room()) return fail("too many hooks wait for an answer");
  HookReply shared(counted);
  if (provider == nullptr) {
    waiting_.push_back({std::string(hook), request, shared});
    pending_.emplace(now + options_.time_limit, std::move(shared));
    return;
  }
  (*provider)(request, shared);
  if (!shared.answered()) pending_.emplace(now + options_.time_limit, std::move(shared));
}

void Hooks::handle_timeout(TimePoint now) {
  while (!pending_.empty() && pending_.begin()->first <= now) {
    const HookReply late = pending_.begin()->second;
    pending_.erase(pending_.begin());
    books_->timing_out = !late.answered();
    late(unexpected(HookFailure{"the hook did not answer in time"}));
  }
  std::erase_if(waiting_, [](const Waiting& waiting) { return waiting.reply.answered(); });
}

std::size_t Hooks::pending() const noexcept {
  return static_cast<std::size_t>(
      std::count_if(pending_.begin(), pending_.end(), [](const auto& entry) { return !entry.second.answered(); }));
}

TimePoint Hooks::next_deadline() const {
  return pending_.empty() ? never : pending_.begin()->first;
}

}  // namespace sluice
