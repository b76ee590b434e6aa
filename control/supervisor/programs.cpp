#include <unistd.h>

#include <string>
#include <string_view>

#include "control/supervisor/supervisor_config.hpp"

namespace sluice::supervisor {

Programs Programs::beside_this_one() {
  std::error_code ignored;
  std::string self = std::filesystem::read_symlink("/proc/self/exe", ignored).string();
  // The kernel's way to say that another file has this name now.
  constexpr std::string_view replaced = " (deleted)";
  if (self.ends_with(replaced)) self.resize(self.size() - replaced.size());
  const std::filesystem::path folder = std::filesystem::path(self).parent_path();
  return {folder / "sluice-control", folder / "sluice-worker", folder / "sluice-handshaker", folder / "sluice-keeper", self};
}

Programs Programs::in(const std::filesystem::path& folder) const {
  return {folder / control.filename(), folder / worker.filename(), folder / handshaker.filename(),
          folder / keeper.filename(), folder / server.filename()};
}

std::filesystem::path Programs::missing() const {
  for (const std::filesystem::path* program : {&control, &worker, &handshaker, &keeper, &server}) {
    if (::access(program->c_str(), X_OK) != 0) return *program;
  }
  return {};
}

}  // namespace sluice::supervisor
