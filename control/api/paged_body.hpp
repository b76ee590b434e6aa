#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "control/api/operations.hpp"
#include "control/loop/http_message.hpp"

namespace sluice {

/// The answer to one HTTP request, of an operation that gives its result in pages `{ndjson, next, to}` (audit.export): a
/// page is asked for when the client has taken the one before, so a slow client costs one page of memory.
class PagedBody final : public loop::HttpBodySource, public std::enable_shared_from_this<PagedBody> {
 public:
  /// Begins with `first`, which has been answered already. `operations` is borrowed for life.
  PagedBody(const Operations& operations, std::string operation, OperationCaller caller, nlohmann::json first);

  [[nodiscard]] Next next(std::string& out) override;
  void on_ready(std::function<void()> ready) override { ready_ = std::move(ready); }

 private:
  void ask();
  void take(OperationResult page);

  const Operations& operations_;
  std::string operation_;
  OperationCaller caller_;
  std::function<void()> ready_;
  std::string text_;       // of the page that has come
  std::size_t given_ = 0;  // of it
  nlohmann::json next_;    // where the page after it begins; null: nowhere
  nlohmann::json to_;
  bool asked_ = false;
  bool inside_next_ = false;
  bool failed_ = false;
};

}  // namespace sluice
