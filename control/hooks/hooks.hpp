#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "shm/types/result.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// Why a hook gave no answer. `message` is for logs and, of admission, for the client.
struct HookFailure {
  std::string message;
};
using HookResult = Result<nlohmann::json, HookFailure>;

/// Answers one call of a hook, at once or later, once; further calls do nothing. Copies share the one answer. If all copies
/// go without an answer, the call fails.
class HookReply {
 public:
  using Function = std::function<void(const HookResult&)>;
  explicit HookReply(Function answer);
  void operator()(const HookResult& result) const;
  [[nodiscard]] bool answered() const noexcept;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

struct HooksOptions {
  Duration time_limit = std::chrono::seconds(5);  // contract section 38
  std::size_t pending_max = 4096;                 // calls without an answer; more fail at once
  TimePoint (*now)() = nullptr;                   // to measure how long answers take; null: it is not measured
};

/// The questions that the server asks of the operator's own programs: `beforeJoin`, `geoLookup`, `onUpload` and the like, by
/// name (contract section 38). Who answers attaches a provider: an HTTP callback of the configuration, a client of the
/// control socket. Sans-I/O: time comes in.
class Hooks {
 public:
  using Provider = std::function<void(const nlohmann::json& request, HookReply reply)>;

  /// Keeps a provider attached as long as it lives. May outlive the hooks.
  class [[nodiscard]] Attachment {
   public:
    Attachment() = default;

   private:
    friend class Hooks;
    explicit Attachment(std::shared_ptr<Provider> provider) : provider_(std::move(provider)) {}
    std::shared_ptr<Provider> provider_;
  };

  explicit Hooks(HooksOptions options = {}) : options_(options) {}
  Hooks(const Hooks&) = delete;
  Hooks& operator=(const Hooks&) = delete;

  /// The provider attached last is asked; when it goes, the one before is again.
  Attachment attach(std::string hook, Provider provider);
  [[nodiscard]] bool attached(std::string_view hook) const;
  /// A required hook has somebody who answers it, even if he is not there at this moment (his program, or ours, is being
  /// restarted): calls wait for him within the time limit, instead of finding nobody.
  void require(const std::string& hook, bool required);
  [[nodiscard]] bool required(std::string_view hook) const { return required_.contains(hook); }
  /// `reply` runs exactly once: with the answer, or with a failure after the time limit, when nobody is attached (and the
  /// hook not required) or the provider gives up; possibly before this returns.
  void call(std::string_view hook, const nlohmann::json& request, TimePoint now, HookReply::Function reply);

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_deadline() const;

  struct Statistics {
    std::uint64_t calls = 0;
    std::uint64_t failures = 0;  // timeouts included
    std::uint64_t timeouts = 0;
    std::uint64_t answers = 0;  // those whose time was taken: all but failures
    Duration answer_time{};     // of the answers together
  };
  [[nodiscard]] const Statistics& statistics() const noexcept { return books_->all; }
  /// By hook, of those that were ever called: their names are the server's own.
  [[nodiscard]] const std::map<std::string, Statistics, std::less<>>& by_hook() const noexcept { return books_->by_hook; }
  /// Calls without an answer.
  [[nodiscard]] std::size_t pending() const noexcept;

 private:
  [[nodiscard]] std::shared_ptr<Provider> provider_of(std::string_view hook) const;

  struct Waiting {
    std::string hook;
    nlohmann::json request;
    HookReply reply;
  };
  [[nodiscard]] bool has_room();

  HooksOptions options_;
  std::set<std::string, std::less<>> required_;
  std::vector<Waiting> waiting_;  // for a provider; each has an entry in pending_, which bounds both
  std::map<std::string, std::vector<std::weak_ptr<Provider>>, std::less<>> providers_;
  std::multimap<TimePoint, HookReply>
      pending_;  // by deadline; answered ones are dropped when their time comes, or on growth
  struct Books {
    Statistics all;
    std::map<std::string, Statistics, std::less<>> by_hook;
    bool timing_out = false;  // the failure that is being told is that of a call that took too long
  };
  std::shared_ptr<Books> books_ = std::make_shared<Books>();
};

}  // namespace sluice
