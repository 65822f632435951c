// Role: the kind of a supervisor's child, and the numbers of its inherited descriptors.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>

namespace appliance::boot {

enum class Role { control, proxy, fence };

std::string_view print(Role role) noexcept;
std::optional<Role> parse_role(std::string_view text) noexcept;

// The Channel to the supervisor (control) or to control (proxy, fence).
inline constexpr int link_fd = 3;
// The daemon's standard error; the child's own goes to the supervisor until it works (appliance/link/first_words).
inline constexpr int errors_fd = 4;
// The listening control socket; control only.
inline constexpr int api_fd = 5;
// The link on which the supervisor says which redirects the configuration names; fence only.
inline constexpr int bounds_fd = 5;

// The user and group of the unprivileged processes.
struct Account {
    std::string name;
    uid_t uid = 0;
    gid_t gid = 0;
};

}  // namespace appliance::boot
