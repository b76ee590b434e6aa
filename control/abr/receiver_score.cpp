#include "control/abr/receiver_score.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <string>

namespace sluice {

namespace {

bool contains_any(std::string_view text, std::initializer_list<std::string_view> words) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return lower.find(word) != std::string::npos; });
}

}  // namespace

std::string_view to_string(DeviceType device) noexcept {
  switch (device) {
    case DeviceType::mobile:
      return "mobile";
    case DeviceType::desktop:
      return "desktop";
    case DeviceType::unknown:
      break;
  }
  return "unknown";
}

DeviceType device_of(const std::optional<std::string_view>& user_agent, const std::optional<std::string_view>& device_type) {
  if (user_agent) {
    // Browsers of phones name their system too (Linux; Android), so mobile is asked first.
    if (contains_any(*user_agent, {"mobile", "android", "iphone", "ipad"})) return DeviceType::mobile;
    if (contains_any(*user_agent, {"windows", "macintosh", "linux"})) return DeviceType::desktop;
  }
  for (const DeviceType device : {DeviceType::mobile, DeviceType::desktop}) {
    if (device_type == to_string(device)) return device;
  }
  return DeviceType::unknown;
}

std::optional<FeedbackKind> feedback_kind_of(std::string_view text) noexcept {
  if (text == "pli") return FeedbackKind::pli;
  if (text == "nack") return FeedbackKind::nack;
  if (text == "remb") return FeedbackKind::remb;
  if (text == "good") return FeedbackKind::good;
  return std::nullopt;
}

ReceiverScore ReceiverScore::of(DeviceType device, bool mobile_first) noexcept {
  if (mobile_first && device == DeviceType::mobile) return ReceiverScore(5500);
  if (mobile_first && device == DeviceType::desktop) return ReceiverScore(9000);
  return ReceiverScore(7500);
}

ReceiverScore ReceiverScore::kept(std::int32_t ten_thousandths) noexcept {
  return ReceiverScore(std::clamp(ten_thousandths, 0, full));
}

void ReceiverScore::add(std::int32_t change) noexcept {
  value_ = std::clamp(value_ + change, 0, full);
}

bool ReceiverScore::apply(FeedbackKind kind, std::optional<double> count, std::optional<double> bitrate) noexcept {
  constexpr double counts_max = 100;
  switch (kind) {
    case FeedbackKind::pli:
    case FeedbackKind::nack: {
      const double times = count.value_or(1);
      if (!std::isfinite(times) || times <= 0) return false;
      const double each = kind == FeedbackKind::pli ? 1500 : 500;
      add(-static_cast<std::int32_t>(std::lround(each * std::min(times, counts_max))));
      return true;
    }
    case FeedbackKind::remb:
      if (!bitrate || !std::isfinite(*bitrate)) return false;
      add(*bitrate > 1'000'000 ? 600 : 300);
      return true;
    case FeedbackKind::good:
      add(300);
      return true;
  }
  return false;
}

ReceiverScore::Level ReceiverScore::level() const noexcept {
  if (value_ >= 8000) return Level::high;
  return value_ >= 5000 ? Level::mid : Level::low;
}

double ReceiverScore::rounded() const noexcept {
  return std::round(value() * 100.0) / 100.0;
}

std::uint8_t layer_of(ReceiverScore::Level level, std::size_t layers) noexcept {
  if (layers == 0) return 0;
  // low is the lowest, high the highest, mid the middle one (of an even number the upper of the two in the middle).
  return static_cast<std::uint8_t>((static_cast<std::size_t>(level) * (layers - 1) + 1) / 2);
}

}  // namespace sluice
