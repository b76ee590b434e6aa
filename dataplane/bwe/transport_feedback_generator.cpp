#include "dataplane/bwe/transport_feedback_generator.hpp"

#include <algorithm>

namespace sluice {
namespace {

constexpr std::int64_t cycle = 1 << 16;
constexpr auto statuses_max = static_cast<std::int64_t>(TransportFeedbackWriter::statuses_max);

}  // namespace

TransportFeedbackGenerator::TransportFeedbackGenerator(const TransportFeedbackConfig& config)
    : config_(config), arrivals_(history) {}

void TransportFeedbackGenerator::advance_end(ExtendedSequenceNumber sequence) noexcept {
  const auto ring = static_cast<std::int64_t>(history);
  if (sequence - end_ >= ring) {
    // Nothing of what was is worth telling any more, and so many losses need no list.
    std::fill(arrivals_.begin(), arrivals_.end(), TimePoint{});
    next_report_ = sequence;
  } else {
    for (ExtendedSequenceNumber i = end_; i <= sequence; i = i.plus(1)) arrival(i) = {};
  }
  end_ = sequence.plus(1);
  next_report_ = std::max(next_report_, end_.plus(-ring));
}

bool TransportFeedbackGenerator::worth_reporting_late(TimePoint now, ExtendedSequenceNumber sequence) noexcept {
  if (end_ - sequence > statuses_max) return false;
  ExtendedSequenceNumber successor = sequence.plus(1);
  while (successor < end_ && !received(successor)) successor = successor.plus(1);
  return successor == end_ || now - arrival(successor) <= config_.reorder_window;
}

void TransportFeedbackGenerator::on_packet(TimePoint now, SequenceNumber wire) noexcept {
  ExtendedSequenceNumber sequence;
  if (!started_) {
    started_ = true;
    sequence = {wire.value + cycle};  // what came before it stays positive
    next_report_ = sequence;
    end_ = sequence;
  } else {
    sequence = extend(wire, end_.plus(-1));
  }
  if (sequence >= end_) {
    advance_end(sequence);
  } else if (end_ - sequence > static_cast<std::int64_t>(history) || received(sequence)) {
    return;
  } else if (sequence < next_report_) {
    if (!worth_reporting_late(now, sequence)) return;
    next_report_ = sequence;
  }
  arrival(sequence) = std::max(now, TimePoint(Duration(1)));
  ++packets_since_report_;
  const Duration interval = packets_since_report_ >= config_.busy_packets ? config_.interval_min : config_.interval_max;
  const TimePoint due = (reported_ ? last_report_ : now) + interval;
  if (due_ == never && !reported_) last_report_ = now, reported_ = true;
  due_ = std::min(due_, due);
  if (packets_since_report_ >= TransportFeedbackWriter::statuses_max) due_ = std::min(due_, now);
}

bool TransportFeedbackGenerator::poll(TimePoint now, TransportFeedbackWriter& out) noexcept {
  if (now < due_) return false;
  ExtendedSequenceNumber first = next_report_;
  while (first < end_ && !received(first)) first = first.plus(1);
  if (first >= end_) {
    due_ = never;
    return false;
  }
  // A gap that fills a message by itself is left out.
  const ExtendedSequenceNumber base = first - next_report_ >= statuses_max ? first : next_report_;
  out.begin(base.on_wire(), arrival(first), feedback_count_);
  ++feedback_count_;
  ExtendedSequenceNumber next = first;
  for (; next < end_; next = next.plus(1)) {
    if (!received(next)) continue;
    if (!out.add(next.on_wire(), arrival(next))) break;
    next_report_ = next.plus(1);
  }
  last_report_ = now;
  packets_since_report_ = 0;
  if (next_report_ == end_) due_ = never;
  return !out.empty();
}

}  // namespace sluice
