#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <semaphore>
#include <thread>
#include <vector>

namespace sluice::test {

/// Runs two parties of real code through every order of their steps: each runs on a thread of its own, but only while it
/// holds the turn, and gives the turn back at every pause. Stateless search: an order is a list of choices, run from the
/// start each time; the next one differs in the last place where the other party could have gone on as well.
class Interleavings {
 public:
  /// What a party sees of the search.
  class Party {
   public:
    /// Ends the turn; returns when the next one is given.
    void pause() {
      done_.release();
      go_.acquire();
    }
    /// Ends the turn until `ready()` holds. False: the other party has ended, so it never will.
    bool wait_until(std::function<bool()> ready) {
      ready_ = std::move(ready);
      pause();
      ready_ = nullptr;
      return !abandoned_;
    }

   private:
    friend class Interleavings;
    std::binary_semaphore go_{0};
    std::binary_semaphore done_{0};
    std::function<bool()> ready_;
    bool ended_ = false;
    bool abandoned_ = false;
  };
  using Role = std::function<void(Party&)>;

  /// `begin()` prepares one run and returns its two roles; `check()` looks at its outcome. Returns the number of orders.
  static std::size_t explore(const std::function<std::array<Role, 2>()>& begin, const std::function<void()>& check) {
    std::vector<Choice> path;
    std::size_t orders = 0;
    for (;;) {
      run(begin(), path);
      check();
      ++orders;
      while (!path.empty() && (path.back().taken == 1 || !path.back().both)) path.pop_back();
      if (path.empty()) return orders;
      path.back().taken = 1;
    }
  }

 private:
  struct Choice {
    std::size_t taken = 0;
    bool both = false;
  };
  static bool can_run(const Party& party) { return !party.ended_ && (party.ready_ == nullptr || party.ready_()); }

  static void run(const std::array<Role, 2>& roles, std::vector<Choice>& path) {
    std::array<Party, 2> parties;
    std::array<std::thread, 2> threads;
    for (std::size_t i = 0; i < 2; ++i) {
      threads[i] = std::thread([&roles, &parties, i] {
        parties[i].go_.acquire();
        roles[i](parties[i]);
        parties[i].ended_ = true;
        parties[i].done_.release();
      });
    }
    for (std::size_t place = 0;; ++place) {
      const bool first = can_run(parties[0]);
      const bool second = can_run(parties[1]);
      if (!first && !second) {
        if (parties[0].ended_ && parties[1].ended_) break;
        // One waits for what never comes: tell it, and let it run to its end.
        for (Party& party : parties) {
          if (party.ended_) continue;
          party.abandoned_ = true;
          party.ready_ = nullptr;
        }
        --place;
        continue;
      }
      if (place == path.size()) path.push_back({first ? std::size_t{0} : std::size_t{1}, first && second});
      Party& chosen = parties[path[place].taken];
      chosen.go_.release();
      chosen.done_.acquire();
    }
    for (std::thread& thread : threads) thread.join();
  }
};

}  // namespace sluice::test
