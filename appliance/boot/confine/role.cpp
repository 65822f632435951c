#include "appliance/boot/confine/role.hpp"

namespace appliance::boot {

std::string_view print(Role role) noexcept {
    switch (role) {
        case Role::control:
            return "control";
        case Role::proxy:
            return "proxy";
        case Role::fence:
            return "fence";
    }
    return "";
}

std::optional<Role> parse_role(std::string_view text) noexcept {
    for (const Role role : {Role::control, Role::proxy, Role::fence}) {
        if (text == print(role)) {
            return role;
        }
    }
    return std::nullopt;
}

}  // namespace appliance::boot
