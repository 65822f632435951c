#include "appliance/api/role.hpp"

namespace appliance::api {

std::string_view print(Role role) noexcept {
    switch (role) {
        case Role::read:
            return "read";
        case Role::operate:
            return "operate";
        case Role::admin:
            return "admin";
    }
    return "";
}

std::optional<Role> parse_role(std::string_view text) noexcept {
    for (const Role role : {Role::read, Role::operate, Role::admin}) {
        if (text == print(role)) {
            return role;
        }
    }
    return std::nullopt;
}

}  // namespace appliance::api
