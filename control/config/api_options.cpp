// Governance API, control socket, dashboard.
#include <array>

#include "control/config/option_groups.hpp"

namespace sluice::config {

namespace {

using enum OptionType;

constexpr std::array options{
    Option{"control.allowedUids", integer_list, "",
           "users who may use the control socket beside root and whoever started the server; the socket is open to all then "
           "and the kernel's word on who connects decides",
           0, 4294967294},
    Option{"control.group", text, "", "group that may use the control socket (mode 0660)"},
    Option{"control.mode", text, "",
           "rights of the control socket in octal; default: 0600, 0660 with a group, 0666 with users"},
    Option{"control.requiredHooks", text_list, "",
           "hooks that a client of the control socket answers: while it is not there, what asks them waits and then fails, "
           "instead of going on unasked"},
    Option{"control.socket", text, "", "path of the control socket; default: control.sock in the runtime folder"},
    Option{"dashboard.enabled", boolean, "true", "serve the operator's dashboard at the admin port"},
    Option{"governance.adminSecret", text, "",
           "bearer secret of the governance API; default: adminApi.adminSecret; without any it listens on loopback only"},
    Option{"governance.host", text, "127.0.0.1", "address that the governance API listens on"},
    Option{"governance.port", integer, "4001",
           "port of the governance API; 0 = any free one; if it is not set here and taken, there is none", 0, 65535},
    Option{"governance.prefix", text, "/admin", "path prefix of the governance API; paths work without it, too"},
};

}  // namespace

std::span<const Option> api_options() noexcept {
  return options;
}

}  // namespace sluice::config
