#include "control/api/paged_body.hpp"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

constexpr std::size_t piece_bytes = std::size_t{256} << 10U;

}  // namespace

PagedBody::PagedBody(const Operations& operations, std::string operation, OperationCaller caller, nlohmann::json first)
    : operations_(operations), operation_(std::move(operation)), caller_(std::move(caller)) {
  take(std::move(first));
}

void PagedBody::take(OperationResult page) {
  asked_ = false;
  nlohmann::json* text = page && page->is_object() && page->contains("ndjson") ? &(*page)["ndjson"] : nullptr;
  if (text == nullptr || !text->is_string()) {
    failed_ = true;
  } else {
    text_ = std::move(text->get_ref<std::string&>());
    given_ = 0;
    next_ = page->value("next", nlohmann::json());
    to_ = page->value("to", nlohmann::json());
  }
  if (ready_ && !inside_next_) ready_();
}

void PagedBody::ask() {
  asked_ = true;
  operations_.call(operation_, {{"after", next_}, {"to", to_}}, caller_,
                   OperationReply([weak = weak_from_this()](OperationResult page) {
                     if (const auto body = weak.lock()) body->take(std::move(page));
                   }));
}

loop::HttpBodySource::Next PagedBody::next(std::string& out) {
  inside_next_ = true;
  while (!asked_ && !failed_ && given_ == text_.size() && !next_.is_null()) ask();  // pages may be empty
  inside_next_ = false;
  if (failed_) return Next::failed;
  if (given_ < text_.size()) {
    const std::size_t size = std::min(piece_bytes, text_.size() - given_);
    out.append(text_, given_, size);
    given_ += size;
    return Next::piece;
  }
  if (asked_ || !next_.is_null()) return Next::later;
  return Next::end;
}

}  // namespace sluice
