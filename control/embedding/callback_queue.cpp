#include "control/embedding/callback_queue.hpp"

#include <utility>

namespace sluice::embedding {

CallbackQueue::CallbackQueue(std::size_t events_max)
    : events_max_(events_max), thread_([shared = shared_] { run(shared); }) {}

CallbackQueue::~CallbackQueue() {
  stop();
  if (thread_.joinable()) thread_.detach();  // we are on it
}

void CallbackQueue::stop() {
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->stopping = true;
    shared_->jobs.clear();
    shared_->events = 0;
  }
  shared_->changed.notify_all();
  if (thread_.joinable() && !on_its_thread()) thread_.join();
}

void CallbackQueue::post_event(Job job) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->stopping) return;
    if (shared_->events >= events_max_) {
      ++shared_->dropped;
      return;
    }
    ++shared_->events;
    shared_->jobs.emplace_back([shared = shared_.get(), job = std::move(job)] {
      {
        const std::lock_guard inner(shared->mutex);
        if (shared->events > 0) --shared->events;
      }
      job();
    });
  }
  shared_->changed.notify_one();
}

void CallbackQueue::post_question(Job job) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->stopping) return;
    shared_->jobs.push_back(std::move(job));
  }
  shared_->changed.notify_one();
}

std::uint64_t CallbackQueue::take_dropped() {
  const std::lock_guard lock(shared_->mutex);
  return std::exchange(shared_->dropped, 0);
}

void CallbackQueue::run(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (true) {
    shared->changed.wait(lock, [&] { return shared->stopping || !shared->jobs.empty(); });
    if (shared->stopping) return;
    Job job = std::move(shared->jobs.front());
    shared->jobs.pop_front();
    lock.unlock();
    job();
    job = nullptr;  // what it holds may take the lock
    lock.lock();
  }
}

}  // namespace sluice::embedding
