#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <typeindex>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice {

/// Typed facts inside the control process. A fact is a struct in the past tense (`PeerJoined`); whoever is concerned
/// subscribes, so a new feature needs no edit where the fact arises.
///
/// Delivery is synchronous, on the publishing thread, in subscription order. A fact published while another is being
/// delivered (from inside a subscriber) is copied and queued: it goes out after the current one has reached everybody, so
/// all subscribers see all facts in one and the same order. Thus publish() called from inside a subscriber returns before
/// delivery; called from anywhere else it returns after its fact, and all that followed from it, were delivered.
///
/// Subscribing and unsubscribing are allowed during a delivery: a subscriber added then does not see the fact under way, and
/// one removed then is not called any more. Not thread-safe: the bus belongs to the control loop's thread. A subscriber
/// must not throw.
class Bus {
  struct Entry {
    std::function<void(const void*)> deliver;
    bool alive = true;
    std::uint64_t number = 0;
  };
  using EntryPtr = std::shared_ptr<Entry>;

 public:
  /// Keeps a subscriber registered for as long as it lives. May outlive the bus.
  class [[nodiscard]] Subscription {
   public:
    Subscription() = default;
    Subscription(Subscription&&) noexcept = default;
    Subscription& operator=(Subscription&& other) noexcept {
      cancel();
      entry_ = std::move(other.entry_);
      return *this;
    }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;
    ~Subscription() { cancel(); }

    /// Ends it now; later calls do nothing. Safe from inside the subscriber itself.
    void cancel() noexcept {
      if (auto entry = std::exchange(entry_, nullptr)) entry->alive = false;
    }

   private:
    friend class Bus;
    explicit Subscription(EntryPtr entry) : entry_(std::move(entry)) {}
    EntryPtr entry_;
  };

  Bus() = default;
  Bus(const Bus&) = delete;
  Bus& operator=(const Bus&) = delete;

  /// Calls `subscriber(const Fact&)` for every later Fact until the returned Subscription ends. The reference that it gets
  /// lives only for the call.
  template <typename Fact, typename Subscriber>
  Subscription subscribe(Subscriber&& subscriber) {
    auto entry = std::make_shared<Entry>();
    entry->deliver = [call = std::forward<Subscriber>(subscriber)](const void* fact) mutable {
      call(*static_cast<const Fact*>(fact));
    };
    add(typeid(Fact), entry);
    return Subscription(std::move(entry));
  }

  /// Tells all subscribers of Fact; see the class comment for when.
  template <typename Fact>
  void publish(const Fact& fact) {
    if (delivering_) {
      queue_.push_back([this, copy = fact] { deliver(typeid(Fact), &copy); });
      return;
    }
    deliver_and_drain(typeid(Fact), &fact);
  }

  /// The subscriptions that exist now, for publish_since().
  using Mark = std::uint64_t;
  [[nodiscard]] Mark mark() const noexcept { return last_number_; }
  /// Tells only those who subscribed to Fact after `mark`: a module that begins late hears what others know. Not from inside
  /// a subscriber.
  template <typename Fact>
  void publish_since(Mark mark, const Fact& fact) {
    deliver_and_drain(typeid(Fact), &fact, mark);
  }

 private:
  void add(std::type_index type, EntryPtr entry);
  void deliver(std::type_index type, const void* fact, Mark since = 0);
  void deliver_and_drain(std::type_index type, const void* fact, Mark since = 0);

  std::unordered_map<std::type_index, std::vector<EntryPtr>> entries_;
  std::deque<std::function<void()>> queue_;  // facts waiting, oldest first; bounded by what one outermost fact can cause
  std::uint64_t last_number_ = 0;
  bool delivering_ = false;
};

}  // namespace sluice
