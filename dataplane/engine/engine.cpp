#include "dataplane/engine/engine.hpp"

#include "dataplane/engine/mmsg_engine.hpp"
#include "dataplane/engine/uring_engine.hpp"

namespace sluice {

std::string_view to_string(EngineChoice choice) noexcept {
  switch (choice) {
    case EngineChoice::automatic:
      return "auto";
    case EngineChoice::io_uring:
      return "io_uring";
    case EngineChoice::mmsg:
      return "mmsg";
  }
  return "unknown";
}

std::unique_ptr<Engine> open_engine(const EngineConfig& config, std::string* why_not_io_uring) {
  if (config.choice != EngineChoice::mmsg) {
    try {
      return std::make_unique<UringEngine>(config);
    } catch (const EngineUnavailable& refusal) {
      if (config.choice == EngineChoice::io_uring) throw;
      if (why_not_io_uring != nullptr) *why_not_io_uring = refusal.what();
    }
  }
  return std::make_unique<MmsgEngine>(config);
}

}  // namespace sluice
