#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sluice {

enum class DeviceType : std::uint8_t { mobile, desktop, unknown };
[[nodiscard]] std::string_view to_string(DeviceType device) noexcept;

/// Contract section 17: what the client's metadata says of its device. Texts are decoded; nothing: not there.
[[nodiscard]] DeviceType device_of(const std::optional<std::string_view>& user_agent,
                                   const std::optional<std::string_view>& device_type);

/// What a client reports of one consumer.
enum class FeedbackKind : std::uint8_t { pli, nack, remb, good };
[[nodiscard]] std::optional<FeedbackKind> feedback_kind_of(std::string_view text) noexcept;

/// How well a consumer receives, in [0, 1]: contract section 17. Kept in ten-thousandths, so that sums of hundredths meet
/// the thresholds exactly.
class ReceiverScore {
 public:
  enum class Level : std::uint8_t { low, mid, high };

  /// A new consumer's.
  [[nodiscard]] static ReceiverScore of(DeviceType device, bool mobile_first) noexcept;
  /// One that was kept: ten_thousandths() of it.
  [[nodiscard]] static ReceiverScore kept(std::int32_t ten_thousandths) noexcept;

  /// `count` (pli, nack): 1 when not given; ignored as a whole when not positive and finite; at most 100 counts. `bitrate`
  /// (remb): in bit/s; without it the report is ignored. False when it was ignored.
  bool apply(FeedbackKind kind, std::optional<double> count, std::optional<double> bitrate) noexcept;
  /// Nothing was heard for a while: +0.02.
  void recover() noexcept { add(200); }

  [[nodiscard]] Level level() const noexcept;
  [[nodiscard]] bool hints_audio_only() const noexcept { return value_ < 2000; }
  [[nodiscard]] bool is_full() const noexcept { return value_ == full; }
  [[nodiscard]] std::int32_t ten_thousandths() const noexcept { return value_; }
  [[nodiscard]] double value() const noexcept { return static_cast<double>(value_) / full; }
  /// Rounded to two decimals, as messages carry it.
  [[nodiscard]] double rounded() const noexcept;
  friend bool operator==(const ReceiverScore&, const ReceiverScore&) = default;

 private:
  static constexpr std::int32_t full = 10000;
  explicit ReceiverScore(std::int32_t value) noexcept : value_(value) {}
  void add(std::int32_t change) noexcept;
  std::int32_t value_;
};

/// The index of a level among `layers` layers, lowest first: thresholds act on the index (DESIGN.md). 0 without layers.
[[nodiscard]] std::uint8_t layer_of(ReceiverScore::Level level, std::size_t layers) noexcept;

}  // namespace sluice
