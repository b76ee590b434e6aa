#include "control/observability/span_exporter.hpp"

#include <algorithm>
#include <utility>

namespace sluice {

using nlohmann::json;

SpanExporter::SpanExporter(Post post, SpanExporterOptions options) : post_(std::move(post)), options_(std::move(options)) {}

void SpanExporter::add(const Span& span, TimePoint now) {
  if (queue_.size() >= options_.queue_max) {
    ++dropped_;
    return;
  }
  queue_.push_back(span);
  if (in_batch_ > 0) return;  // the next batch goes when this one is through
  if (queue_.size() >= options_.batch_max) {
    due_ = now;
  } else if (due_ == never) {
    due_ = now + options_.batch_delay;
  }
}

void SpanExporter::flush(TimePoint now) {
  if (in_batch_ == 0 && !queue_.empty()) send(now);
}

void SpanExporter::handle_timeout(TimePoint now) {
  if (now < due_ || posting_) return;
  due_ = never;
  if (in_batch_ > 0 || !queue_.empty()) send(now);
}

TimePoint SpanExporter::next_deadline() const noexcept {
  return posting_ ? never : due_;
}

void SpanExporter::send(TimePoint now) {
  (void)now;
  if (in_batch_ == 0) {
    in_batch_ = std::min(queue_.size(), options_.batch_max);
    std::vector<Span> batch(std::make_move_iterator(queue_.begin()),
                            std::make_move_iterator(queue_.begin() + static_cast<std::ptrdiff_t>(in_batch_)));
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(in_batch_));
    json body;
    if (options_.format == SpanExporterOptions::Format::otlp) {
      body = otlp_request(batch, options_.service_name);
    } else {
      json spans = json::array();
      for (const Span& span : batch) spans.push_back(span_json(span));
      body = {{"spans", std::move(spans)}};
    }
    body_ = body.dump(-1, ' ', false, json::error_handler_t::replace);
    attempt_ = 0;
  }
  ++attempt_;
  posting_ = true;
  post_(body_, [this, alive = std::weak_ptr<bool>(alive_)](Outcome outcome, TimePoint answered_at) {
    if (!alive.expired()) answered(outcome, answered_at);
  });
}

void SpanExporter::answered(Outcome outcome, TimePoint now) {
  if (!std::exchange(posting_, false)) return;
  if (outcome == Outcome::try_again && attempt_ < options_.attempts) {
    ++retries_;
    due_ = now + options_.retry_first * (1U << (attempt_ - 1));
    return;
  }
  (outcome == Outcome::delivered ? exported_ : dropped_) += in_batch_;
  in_batch_ = 0;
  body_.clear();
  due_ = queue_.empty() ? never : queue_.size() >= options_.batch_max ? now : now + options_.batch_delay;
}

SpanExporter::Stats SpanExporter::stats() const noexcept {
  return {exported_, dropped_, retries_, queue_.size() + in_batch_};
}

}  // namespace sluice
