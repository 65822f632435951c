// Role: how much a caller of the API may do. Each holds what the one before it does.
#pragma once

#include <optional>
#include <string_view>

namespace appliance::api {

enum class Role {
    read,     // look
    operate,  // fences, the maintenance page, deploys
    admin,    // the configuration, the firewall, the program itself
};

std::string_view print(Role role) noexcept;
std::optional<Role> parse_role(std::string_view text) noexcept;

}  // namespace appliance::api
