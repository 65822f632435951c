// Repair: what was put right in the table of fences after another program had changed it.
#pragma once

#include <cstdint>

namespace netfilter {

// What somebody else had done to the table of fences, and is undone.
struct Repair {
    bool structure = false;     // chains, rules or maps differed
    std::uint32_t missing = 0;  // fences that were not in the kernel
    std::uint32_t altered = 0;  // fences that were there, but not as they should be

    [[nodiscard]] bool any() const { return structure || missing > 0 || altered > 0; }
    friend bool operator==(const Repair&, const Repair&) = default;
};
// Many repairs told as one: a fence that was put back twice counts twice.
void add(Repair& to, const Repair& more);

}  // namespace netfilter
