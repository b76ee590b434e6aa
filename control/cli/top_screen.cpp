#include "control/cli/top_screen.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace sluice::cli {

namespace {

constexpr std::string_view reset = "\x1b[0m";
constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view dim = "\x1b[2m";
constexpr std::string_view green = "\x1b[32m";
constexpr std::string_view yellow = "\x1b[33m";
constexpr std::string_view red = "\x1b[31m";
constexpr std::string_view inverse = "\x1b[7m";

struct RoomRow {
  std::string name;
  double peers = 0;
  double peak = 0;
  double p95_ms = 0;
};

/// Builds the lines; knows how wide they may be, and whether colours are wanted.
class Canvas {
 public:
  Canvas(TopScreen::Size size, TopScreen::Colour colour) : size_(size), colour_(colour) {}

  Canvas& begin() {
    lines_.emplace_back();
    used_ = 0;
    return *this;
  }
  /// Text of our own or made safe. What does not fit is cut.
  Canvas& text(std::string_view words, std::string_view style = {}) {
    const std::string shown = terminal_safe(words, size_.columns - used_);
    if (shown.empty()) return *this;
    const bool styled = colour_ == TopScreen::Colour::on && !style.empty();
    if (styled) lines_.back() += style;
    lines_.back() += shown;
    if (styled) lines_.back() += reset;
    used_ += columns_of(shown);
    return *this;
  }
  /// Right-aligned in `width` columns.
  Canvas& right(std::string_view words, std::size_t width, std::string_view style = {}) {
    const std::size_t columns = columns_of(words);
    if (columns < width) text(std::string(width - columns, ' '));
    return text(words, style);
  }
  Canvas& left(std::string_view words, std::size_t width, std::string_view style = {}) {
    const std::string shown = terminal_safe(words, width);
    const std::size_t columns = columns_of(shown);
    text(shown, style);
    return columns < width ? text(std::string(width - columns, ' ')) : *this;
  }
  /// Fills up to the right edge, less `keep` columns.
  Canvas& fill(std::size_t keep = 0, std::string_view style = {}) {
    return used_ + keep < size_.columns ? text(std::string(size_.columns - used_ - keep, ' '), style) : *this;
  }
  [[nodiscard]] std::size_t rows_left() const { return size_.rows > lines_.size() ? size_.rows - lines_.size() : 0; }
  std::vector<std::string> finish() {
    if (lines_.size() > size_.rows) lines_.resize(size_.rows);
    return std::move(lines_);
  }

 private:
  TopScreen::Size size_;
  TopScreen::Colour colour_;
  std::vector<std::string> lines_;
  std::size_t used_ = 0;
};

/// The screen while it is drawn.
class Drawing {
 public:
  Drawing(const TopScreen::Reading& now, const std::optional<TopScreen::Reading>& before, const TopScreen::View& view,
          TopScreen::Size size, TopScreen::Colour colour)
      : now_(now.metrics), view_(view), size_(size), canvas_(size, colour) {
    if (!before) return;
    before_ = &before->metrics;
    seconds_ = std::chrono::duration<double>(now.at - before->at).count();
  }

  std::vector<std::string> draw() {
    title();
    server();
    workers();
    rooms();
    while (canvas_.rows_left() > 1) canvas_.begin();
    keys();
    return canvas_.finish();
  }

 private:
  /// How fast a counter rises, all samples or those of one worker.
  double rate(std::string_view family, const std::string& worker = {}) const {
    if (before_ == nullptr || seconds_ <= 0) return 0;
    const auto total = [&](const MetricsText& text) {
      double sum = 0;
      for (const MetricsText::Sample& sample : text.samples(family)) {
        if (worker.empty() || sample.label("worker") == worker) sum += sample.value;
      }
      return sum;
    };
    return std::max(0.0, (total(now_) - total(*before_)) / seconds_);
  }

  void title() {
    const auto up = static_cast<std::int64_t>(now_.value("webrtc_rooms_uptime_seconds"));
    const std::string clock = view_.clock;
    std::string since = std::to_string(up / 3600 % 24) + " h " + std::to_string(up / 60 % 60) + " min";
    if (up < 3600) since = std::to_string(up / 60) + " min " + std::to_string(up % 60) + " s";
    if (up >= 86400) since = std::to_string(up / 86400) + " d " + std::to_string(up / 3600 % 24) + " h";
    canvas_.begin().text(" sluice top ", inverse).text("  ").text(view_.server, bold);
    if (!now_.empty()) canvas_.text("  up " + since, dim);
    if (view_.problem) {
      canvas_.text("  " + *view_.problem, red);
    } else if (view_.paused) {
      canvas_.text("  paused", yellow);
    }
    canvas_.fill(clock.size()).text(clock, dim);
  }

  void server() {
    canvas_.begin();
    pair("rooms", grouped(now_.value("webrtc_rooms_rooms_active")), bold);
    pair("peers", grouped(now_.value("webrtc_rooms_peers_active")), bold);
    pair("sockets", grouped(now_.value("sluice_websockets_open")));
    pair("joins", per_second(rate("webrtc_rooms_joins_total")));
    const double p95 = now_.value("webrtc_rooms_join_latency_ms", "quantile", "0.95");
    pair("join p95", measured(p95 / 1000), p95 > 500 ? red : p95 > 200 ? yellow : std::string_view());
    if (const double refused = rate("webrtc_rooms_connections_rejected_total"); refused > 0)
      pair("refused", per_second(refused), yellow);
    canvas_.begin();
    const double rss = now_.value("webrtc_rooms_rss_bytes");
    const double limit = now_.value("sluice_control_memory_limit_bytes");
    const double ratio = limit > 0 ? rss / limit : 0;
    canvas_.text(" memory ", dim);
    bar(ratio);
    canvas_.text(" " + binary_scaled(rss) + " / " + binary_scaled(limit) + " ");
    const double lag = now_.value("sluice_control_loop_lag_seconds");
    pair("lag", duration_text(lag), lag > 0.2 ? red : lag > 0.05 ? yellow : green);
    pair("msgs", per_second(rate("sluice_websocket_messages_received_total")) + " in " +
                     per_second(rate("sluice_websocket_messages_sent_total")) + " out");
  }

  /// Nothing takes no time at all: then nothing was measured yet.
  static std::string measured(double seconds) { return seconds > 0 ? duration_text(seconds) : "-"; }
  static std::string per_second(double rate) { return scaled(rate, "") + "/s"; }

  void pair(std::string_view name, std::string_view value, std::string_view style = {}) {
    canvas_.text(" ").text(name, dim).text(" ").text(value, style).text(" ");
  }

  void bar(double ratio) {
    constexpr std::size_t cells = 10;
    const auto full = static_cast<std::size_t>(std::lround(std::clamp(ratio, 0.0, 1.0) * cells));
    std::string filled;
    std::string empty;
    for (std::size_t i = 0; i < cells; ++i) (i < full ? filled : empty) += i < full ? "█" : "░";
    canvas_.text(filled, ratio > 0.85 ? red : ratio > 0.6 ? yellow : green).text(empty, dim);
  }

  void workers() {
    canvas_.begin();
    canvas_.begin().text(" ");
    canvas_.left("worker", 7, dim).right("in", 10, dim).right("out", 10, dim).right("packets/s", 10, dim);
    canvas_.right("streams", 9, dim).right("p50", 8, dim).right("p99", 8, dim).right("drops/s", 8, dim);
    canvas_.right("beat", 8, dim);
    std::vector<std::string> names;
    for (const MetricsText::Sample& sample : now_.samples("sluice_worker_heartbeat_age_seconds"))
      names.push_back(sample.label("worker"));
    // A machine of many cores: as many workers as leave room for a few rooms, and a line for the rest.
    const std::size_t room_for = std::max<std::size_t>(1, canvas_.rows_left() / 2);
    const std::size_t shown = names.size() > room_for ? room_for - 1 : names.size();
    for (std::size_t i = 0; i < shown; ++i) worker(names[i]);
    if (shown < names.size()) canvas_.begin().text(" … " + std::to_string(names.size() - shown) + " more", dim);
  }

  void worker(const std::string& name) {
    const auto of = [&](std::string_view family) { return now_.value(family, "worker", name); };
    const auto latency = [&](std::string_view quantile) {
      for (const MetricsText::Sample& sample : now_.samples("sluice_forwarding_latency_seconds")) {
        if (sample.label("worker") == name && sample.label("quantile") == quantile) return sample.value;
      }
      return 0.0;
    };
    const double drops = rate("sluice_drops_total", name);
    const double beat = of("sluice_worker_heartbeat_age_seconds");
    const double p99 = latency("0.99");
    canvas_.begin().text(" ").left(name, 7, bold);
    canvas_.right(scaled(of("sluice_bitrate_in_bps"), "b/s"), 10).right(scaled(of("sluice_bitrate_out_bps"), "b/s"), 10);
    canvas_.right(scaled(rate("sluice_forwarded_packets_total", name), ""), 10);
    canvas_.right(grouped(of("sluice_publications")) + "/" + grouped(of("sluice_subscriptions")), 9);
    canvas_.right(measured(latency("0.5")), 8);
    canvas_.right(measured(p99), 8, p99 > 0.02 ? red : p99 > 0.005 ? yellow : std::string_view());
    canvas_.right(scaled(drops, ""), 8, drops > 10 ? yellow : std::string_view());
    canvas_.right(duration_text(beat), 8, beat > 1 ? red : green);
  }

  void rooms() {
    std::vector<RoomRow> rows;
    for (const MetricsText::Sample& sample : now_.samples("webrtc_rooms_room_peers_current"))
      rows.push_back({sample.label("room"), sample.value, 0, 0});
    std::map<std::string, RoomRow*> by_name;
    for (RoomRow& row : rows) by_name[row.name] = &row;
    const auto join = [&](std::string_view family, double RoomRow::*member) {
      for (const MetricsText::Sample& sample : now_.samples(family)) {
        if (const auto row = by_name.find(sample.label("room")); row != by_name.end()) row->second->*member = sample.value;
      }
    };
    join("webrtc_rooms_room_peers_peak", &RoomRow::peak);
    join("webrtc_rooms_room_join_latency_p95_ms", &RoomRow::p95_ms);
    std::stable_sort(rows.begin(), rows.end(), [&](const RoomRow& a, const RoomRow& b) {
      if (view_.sort == TopScreen::Sort::peers && a.peers != b.peers) return a.peers > b.peers;
      if (view_.sort == TopScreen::Sort::latency && a.p95_ms != b.p95_ms) return a.p95_ms > b.p95_ms;
      return a.name < b.name;
    });
    canvas_.begin();
    if (canvas_.rows_left() < 3) return;
    const std::size_t name_width = size_.columns > 42 ? size_.columns - 36 : 6;
    const auto mark = [&](TopScreen::Sort sort, std::string_view name) {
      return std::string(name) + (view_.sort == sort ? " ▾" : "");
    };
    canvas_.begin().text(" ").left(mark(TopScreen::Sort::name, "room"), name_width, dim);
    canvas_.right(mark(TopScreen::Sort::peers, "peers"), 9, dim).right("peak", 8, dim);
    canvas_.right(mark(TopScreen::Sort::latency, "join p95"), 14, dim);
    const std::size_t space = canvas_.rows_left() > 1 ? canvas_.rows_left() - 1 : 0;
    const std::size_t first = std::min(view_.first_room, rows.size() > space ? rows.size() - space : 0);
    for (std::size_t i = first; i < rows.size() && i - first < space; ++i) {
      const RoomRow& row = rows[i];
      canvas_.begin().text(" ").left(row.name, name_width);
      canvas_.right(grouped(row.peers), 9).right(grouped(row.peak), 8);
      canvas_.right(measured(row.p95_ms / 1000), 14, row.p95_ms > 500 ? red : std::string_view());
    }
    if (rows.empty()) canvas_.begin().text(" no rooms", dim);
  }

  void keys() {
    canvas_.begin().text(" q", bold).text(" quit  ", dim).text("p", bold).text(" pause  ", dim);
    canvas_.text("s", bold).text(" sort  ", dim).text("↑↓", bold).text(" rooms  ", dim).text("r", bold).text(" now", dim);
  }

  const MetricsText& now_;
  const MetricsText* before_ = nullptr;
  double seconds_ = 0;
  const TopScreen::View& view_;
  TopScreen::Size size_;
  Canvas canvas_;
};

}  // namespace

std::vector<std::string> TopScreen::draw(const Reading& now, const std::optional<Reading>& before, const View& view,
                                         Size size, Colour colour) {
  return Drawing(now, before, view, size, colour).draw();
}

std::size_t TopScreen::rooms(const Reading& now) {
  return now.metrics.samples("webrtc_rooms_room_peers_current").size();
}

}  // namespace sluice::cli
