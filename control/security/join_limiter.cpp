#include "control/security/join_limiter.hpp"

#include <utility>

namespace sluice {
namespace {

using namespace std::chrono_literals;

constexpr Duration minute = 60s;
/// Of a tenant's name as it stands in the metadata; more does not tell tenants apart.
constexpr std::size_t tenant_bytes_max = 512;

std::string tenant_of(const Metadata& metadata) {
  const std::string* tenant = metadata.find(JoinLimiter::tenant_key);
  if (tenant == nullptr || *tenant == "null" || *tenant == R"("")") return {};
  return tenant->substr(0, tenant_bytes_max);
}

}  // namespace

JoinLimiter::JoinLimiter(Rooms& rooms, Bus& bus, JoinLimits limits)
    : limits_(limits), joined_(bus.subscribe<PeerJoined>([this](const PeerJoined& fact) {
        if (!passed_ || passed_->peer != fact.peer.id) return;
        const Passed passed = *std::exchange(passed_, std::nullopt);
        // Counted whatever the limits are now: a limit that is set later knows what was before.
        count(rooms_, fact.room.value, passed.now);
        if (!passed.tenant.empty()) count(tenants_, passed.tenant, passed.now);
      })) {
  rooms.add_admission_step(*this);
}

bool JoinLimiter::full(const Windows& windows, const std::string& key, std::uint32_t limit, TimePoint now) {
  if (limit == 0) return false;
  const auto window = windows.find(key);
  return window != windows.end() && window->second.counted(now, minute) >= limit;
}

void JoinLimiter::count(Windows& windows, const std::string& key, TimePoint now) {
  if (windows.size() >= windows_max && !windows.contains(key)) {
    sweep(now);
    if (windows.size() >= windows_max) {
      ++statistics_.uncounted;
      return;
    }
  }
  (void)windows[key].count(now, minute);
}

void JoinLimiter::decide(const AdmissionRequest& request, AdmissionReply reply) {
  Refuse refusal;
  refusal.code = "RATE_LIMITED";
  refusal.for_now = true;
  std::string tenant = tenant_of(request.metadata);
  if (full(rooms_, request.room.value, limits_.per_room_per_minute, request.now)) {
    ++statistics_.refused_by_room;
    refusal.message = "Too many joins of this room. Try again in a minute.";
    return reply(std::move(refusal), request.now);
  }
  if (!tenant.empty() && full(tenants_, tenant, limits_.per_tenant_per_minute, request.now)) {
    ++statistics_.refused_by_tenant;
    refusal.message = "Too many joins of this tenant. Try again in a minute.";
    return reply(std::move(refusal), request.now);
  }
  passed_ = Passed{request.peer, std::move(tenant), request.now};
  reply(Admit{}, request.now);
}

void JoinLimiter::sweep(TimePoint now) {
  const auto over = [now](const auto& entry) { return entry.second.over(now, minute); };
  std::erase_if(rooms_, over);
  std::erase_if(tenants_, over);
}

}  // namespace sluice
