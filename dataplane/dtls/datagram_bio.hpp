#pragma once

#include <openssl/bio.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "shm/types/bytes.hpp"
#include "shm/types/time.hpp"

namespace sluice {

/// What OpenSSL takes for its socket and its clock: one datagram at a time in, a queue of datagrams out, and the
/// retransmission timer on our time.
///
/// OpenSSL's DTLS reads the wall clock by itself. It must not decide anything here: a wall clock jumps, and simulations have
/// their own time. OpenSSL 3.0 shows its BIO the variable in which it keeps the next timeout each time it sets it
/// (BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT). This adapter notes `now` + duration as the deadline and overwrites the variable with
/// a moment that never comes; when our deadline passes, expire() overwrites it with one long past, and OpenSSL retransmits.
/// From OpenSSL 3.2 on that variable is a copy, and DtlsAssociation does not compile until this is done another way.
class DatagramBio {
 public:
  DatagramBio();
  DatagramBio(const DatagramBio&) = delete;
  DatagramBio& operator=(const DatagramBio&) = delete;
  ~DatagramBio() = default;

  /// A new reference for SSL_set_bio().
  [[nodiscard]] BIO* reference();
  [[nodiscard]] BIO* bio() const noexcept { return bio_.get(); }

  void set_now(TimePoint now) noexcept { now_ = now; }
  /// How long the timer that OpenSSL sets next will run.
  void set_timer_duration(Duration duration) noexcept { duration_ = duration; }
  [[nodiscard]] TimePoint deadline() const noexcept { return deadline_; }
  /// Makes OpenSSL's timer due.
  void expire() noexcept;
  /// To be called when the SSL that showed its variable is gone.
  void stop_timer() noexcept;

  /// The next datagram that OpenSSL reads, borrowed until it is read or replaced.
  void give(Bytes datagram) noexcept { input_ = datagram; }
  /// What OpenSSL wrote, in order. More than `sent_max` unread datagrams are dropped, as a network would.
  [[nodiscard]] std::deque<std::vector<std::byte>>& sent() noexcept { return sent_; }
  static constexpr std::size_t sent_max = 64;

 private:
  struct Free {
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
  };
  struct Calls;  // the functions that OpenSSL calls
  friend struct Calls;

  std::unique_ptr<BIO, Free> bio_;
  std::optional<Bytes> input_;
  std::deque<std::vector<std::byte>> sent_;
  TimePoint now_{};
  TimePoint deadline_ = never;
  Duration duration_{};
  void* openssl_timeout_ = nullptr;  // OpenSSL's timeval
};

}  // namespace sluice
