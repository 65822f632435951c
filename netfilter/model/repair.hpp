// Repair: what was repaired in the table of fences after another program had changed it.
#pragma once

#include <cstdint>

namespace netfilter {

// Another program's changes to the table of fences that were undone.
struct Repair {
    bool structure = false;     // chains, rules or maps differed
    std::uint32_t missing = 0;  // fences that were not in the kernel
    std::uint32_t altered = 0;  // fences that were there, but differed

    [[nodiscard]] bool any() const { return structure || missing > 0 || altered > 0; }
    friend bool operator==(const Repair&, const Repair&) = default;
};
// Sums up several repairs: a fence that was restored twice counts twice.
void add(Repair& to, const Repair& more);

}  // namespace netfilter
