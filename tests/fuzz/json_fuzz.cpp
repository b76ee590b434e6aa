// uses: control_json sluice::json
// Any text: what we take, the package takes too (lone surrogates replaced), and our slices say the same as its tree.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string_view>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"
#include "tests/fuzz/support/require.hpp"

namespace {

using sluice::JsonKind;
using sluice::JsonObject;
using sluice::JsonView;
using sluice::fuzz::require;

/// Looks into everything that may be looked into and writes it anew.
std::string rewritten(const JsonView& view) {
  if (const auto object = JsonObject::of(view)) {
    sluice::JsonWriter out;
    for (const auto& [key, value] : object->members()) out.raw(key, rewritten(value));
    return out.finish();
  }
  if (const auto elements = view.as_array()) {
    sluice::JsonArrayWriter out;
    for (const JsonView& element : *elements) out.raw(rewritten(element));
    return out.finish();
  }
  if (const auto text = view.as_string()) {
    std::string out;
    sluice::append_json_string(out, *text);
    return out;
  }
  (void)view.as_integer();
  (void)view.truthy();
  return std::string(view.raw());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto view = JsonView::parse(text);
  if (!view) return 0;
  const auto tree = nlohmann::json::parse(view->well_formed(), nullptr, false);
  require(!tree.is_discarded());
  // What the package takes as it came must mean the same.
  const auto untouched = nlohmann::json::parse(text, nullptr, false);
  require(untouched.is_discarded() || untouched == tree);
  require(nlohmann::json::parse(rewritten(*view), nullptr, false) == tree);
  return 0;
}
