#pragma once

#include <cstddef>
#include <cstdint>
#include <random>

namespace sluice::load {

/// Frame sizes like those of an encoder that keeps a bitrate: key frames are five times the mean, frames between them vary
/// by 30 %, and those after a key frame are smaller until its excess is paid back.
class VideoSizes {
 public:
  VideoSizes(std::int64_t bits_per_second, int frames_per_second, std::uint64_t seed) noexcept
      : mean_(static_cast<double>(bits_per_second) / 8 / frames_per_second),
        random_(static_cast<std::minstd_rand::result_type>(seed % 2'000'000'000 + 1)) {}

  /// Bytes of the next frame, at least `minimum`.
  [[nodiscard]] std::size_t next(bool key_frame, std::size_t minimum) noexcept {
    constexpr double key_factor = 5;
    constexpr double spread = 0.3;
    constexpr double payback = 0.3;  // of the mean, for each frame
    double size = mean_ * std::uniform_real_distribution<double>(1 - spread, 1 + spread)(random_);
    if (key_frame) {
      size = mean_ * key_factor;
      owed_ += size - mean_;
    } else if (owed_ > 0) {
      const double paid = owed_ < mean_ * payback ? owed_ : mean_ * payback;
      size -= paid;
      owed_ -= paid;
    }
    return size < static_cast<double>(minimum) ? minimum : static_cast<std::size_t>(size);
  }

 private:
  double mean_;
  double owed_ = 0;  // bytes above the bitrate
  std::minstd_rand random_;
};

}  // namespace sluice::load
