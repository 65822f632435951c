// Succession: which verdicts go over to which targets when the targets are replaced. Health belongs to an address, a
// port and a check; the names of pool and server only say where it is shown. Pure; the monitor carries it out.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/health/target.hpp"

namespace core::health {

struct Inheritance {
    enum class Kind : std::uint8_t {
        none,     // never checked: unknown until its first check has ended
        kept,     // nothing has changed: its checks go on
        moved,    // other names, same address and check: its checks go on under the new names
        copied,   // the same, but those checks belong to another target already: the verdict alone
        carried,  // the same address, another check: the verdict until the new check has decided
    };
    Kind kind = Kind::none;
    std::size_t from = 0;  // index into `before`; means nothing with none

    friend bool operator==(const Inheritance&, const Inheritance&) = default;
};

// One entry for each of `after`. Each of `before` is kept or moved at most once. A verdict is carried from the target
// of the same names and address, or else from one at that address that is no longer checked as it was.
std::vector<Inheritance> inherit(std::span<const Target> before, std::span<const Target> after);

}  // namespace core::health
