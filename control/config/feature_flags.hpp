#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::config {

/// Switches by name, looked up in the order room, tenant, global, false (contract section 38). Bounded: at most
/// `overrides_max` tenants and as many rooms have flags of their own, each at most `flags_max`; more are refused.
class FeatureFlags {
 public:
  static constexpr std::size_t overrides_max = 10000;
  static constexpr std::size_t flags_max = 256;

  enum class Scope { global, tenant, room };
  /// A flag was set (`value`) or all of a scope's were cleared (no flag, no value).
  struct Change {
    Scope scope = Scope::global;
    std::string id;  // of the tenant or room; empty for global
    std::optional<std::string> flag;
    std::optional<bool> value;
  };
  using Listener = std::function<void(const Change&)>;

  /// `flag:changed` and `flag:cleared`.
  explicit FeatureFlags(Listener listener = {}) : listener_(std::move(listener)) {}

  /// False when a bound is reached.
  bool set_global(const std::string& flag, bool value);
  bool set_tenant(const std::string& tenant, const std::string& flag, bool value);
  bool set_room(const std::string& room, const std::string& flag, bool value);
  /// False when there was nothing to clear.
  bool clear_tenant(const std::string& tenant);
  /// To be called when a room is destroyed, too.
  bool clear_room(const std::string& room);

  struct Context {
    std::optional<std::string> room;
    std::optional<std::string> tenant;
  };
  [[nodiscard]] bool is_enabled(std::string_view flag, const Context& context) const;
  /// All flags known anywhere, as they are in this context.
  [[nodiscard]] std::map<std::string, bool> resolve(const Context& context) const;

  struct Stats {
    std::size_t global_flags = 0;
    std::size_t tenant_overrides = 0;
    std::size_t room_overrides = 0;
  };
  [[nodiscard]] Stats stats() const noexcept { return {global_.size(), tenants_.size(), rooms_.size()}; }

 private:
  using Flags = std::map<std::string, bool, std::less<>>;
  using Overrides = std::map<std::string, Flags, std::less<>>;
  bool set(Overrides& overrides, Scope scope, const std::string& id, const std::string& flag, bool value);
  bool clear(Overrides& overrides, Scope scope, const std::string& id);
  [[nodiscard]] static std::optional<bool> in(const Overrides& overrides, const std::optional<std::string>& id,
                                              std::string_view flag);

  Listener listener_;
  Flags global_;
  Overrides tenants_;
  Overrides rooms_;
};

}  // namespace sluice::config
