// The system calls of each role, as a list: what syscalls.cpp makes filters of, and what syscalls.md shows. A call that
// is not here answers EPERM.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "appliance/boot/confine/role.hpp"

namespace appliance::boot {

// (argument & mask) == value. The kernel hands a filter the arguments as numbers and nothing that they point to.
struct Condition {
    unsigned argument = 0;  // from 0
    std::uint64_t mask = ~std::uint64_t{0};
    std::uint64_t value = 0;
};

// How long a process has a call. The proxy's second filter (shut_rings) takes away what only the start needs.
enum class Lasting { always, until_the_rings_are_made };

struct AllowedCall {
    std::string call;
    std::string only{};                   // what the conditions say, in words; empty: whatever the arguments
    std::vector<Condition> conditions{};  // all of them hold
    Lasting lasting = Lasting::always;
};

// What the role may call. A call that stands there twice is allowed under either one's conditions. The most frequent
// call is the first. Call this in the process that the filter is for: one condition has its number.
std::vector<AllowedCall> allowed_calls(Role role);

// Calls that answer ENOSYS, for every role. The C library then takes an older one, and a filter can read its arguments.
std::vector<std::string> unknown_calls();

// All of it and the ring's rights (core/io/restrictions), as appliance/boot/confine/syscalls.md has it.
std::string print_syscalls();

}  // namespace appliance::boot
