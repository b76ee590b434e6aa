#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "shm/types/address.hpp"

namespace sluice::load {

struct IceCredentials {
  std::string ufrag;
  std::string pwd;
};

/// A validated path to the server: a UDP socket connected to its address. Owned by whoever takes it.
struct IceResult {
  int socket = -1;  ///< -1: no pair of candidates worked
  SocketAddress remote;
  IceCredentials local;
};

class IceThread;

/// The ICE of one peer, by libnice's full agent in controlling role, as far as the nominated pair. Then the socket is taken
/// from the agent, because the agent reads one packet per system call: what follows (media, consent) is the media loop's.
class IceSession {
 public:
  ~IceSession();
  IceSession(const IceSession&) = delete;
  IceSession& operator=(const IceSession&) = delete;

  [[nodiscard]] const IceCredentials& local() const noexcept { return local_; }
  /// Begins the checks. `candidates`: values of a=candidate of the answer. False when none can be used.
  [[nodiscard]] bool set_remote(const IceCredentials& remote, const std::vector<std::string>& candidates);

 private:
  friend class IceThread;
  struct Impl;
  explicit IceSession(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  IceCredentials local_;
};

/// The GLib main loop that libnice's agents need, in a thread of its own.
class IceThread {
 public:
  /// `local`: the address that peers send from.
  explicit IceThread(const SocketAddress& local);
  ~IceThread();
  IceThread(const IceThread&) = delete;
  IceThread& operator=(const IceThread&) = delete;

  /// `done` is called once, in the ICE thread, with the result; the session must not be destroyed inside it.
  /// Throws std::runtime_error when no socket can be opened.
  [[nodiscard]] std::unique_ptr<IceSession> start(std::function<void(IceResult)> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::load
