#pragma once

#include <utility>

namespace sluice {

/// One file descriptor with one owner; closed with it. Negative: holds none.
class Descriptor {
 public:
  Descriptor() = default;
  /// Takes ownership of `fd`.
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }

  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] bool valid() const noexcept { return fd_ >= 0; }
  /// Gives up ownership; the caller closes.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  /// A second descriptor of what `fd` refers to, close-on-exec; invalid (errno set) when the process has no more.
  [[nodiscard]] static Descriptor duplicate(int fd) noexcept;
  /// Closes what it holds and takes `fd`.
  void reset(int fd = -1) noexcept;

 private:
  int fd_ = -1;
};

}  // namespace sluice
