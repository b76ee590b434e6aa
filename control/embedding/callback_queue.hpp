#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

namespace sluice::embedding {

/// Runs what the operator's program wants to be told, on one thread of its own, in order. Bounded: events are dropped while
/// `events_max` wait, and counted; questions, which the server waits for, are taken always (the server asks at most 1,024).
class CallbackQueue {
 public:
  explicit CallbackQueue(std::size_t events_max = 65536);
  /// Waits for the one that runs; what still waits is dropped. On its own thread: lets the thread end by itself.
  ~CallbackQueue();
  CallbackQueue(const CallbackQueue&) = delete;
  CallbackQueue& operator=(const CallbackQueue&) = delete;

  using Job = std::function<void()>;
  void post_event(Job job);
  void post_question(Job job);
  /// Events dropped since the last call.
  [[nodiscard]] std::uint64_t take_dropped();
  [[nodiscard]] bool on_its_thread() const noexcept { return std::this_thread::get_id() == thread_.get_id(); }
  /// Nothing more is run; returns when the one that runs is over, unless called by it.
  void stop();

 private:
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Job> jobs;
    std::size_t events = 0;
    std::uint64_t dropped = 0;
    bool stopping = false;
  };
  static void run(const std::shared_ptr<Shared>& shared);

  std::size_t events_max_;
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::thread thread_;
};

}  // namespace sluice::embedding
