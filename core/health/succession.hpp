// Succession: which verdicts carry over when the targets are replaced. Health belongs to an address, a port and a
// check; the names of pool and server only say where it is shown. Pure; the monitor applies it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/health/target.hpp"

namespace core::health {

struct Inheritance {
    enum class Kind : std::uint8_t {
        none,     // never checked: unknown until its first check has ended
        kept,     // nothing has changed: its checks continue
        moved,    // other names, same address and check: its checks continue under the new names
        copied,   // the same, but another target has taken those checks: the verdict alone
        carried,  // the same address, another check: the verdict until the new check has decided
    };
    Kind kind = Kind::none;
    std::size_t from = 0;  // index into `before`; meaningless with none

    friend bool operator==(const Inheritance&, const Inheritance&) = default;
};

// One entry for each of `after`. Each of `before` is kept or moved at most once. A verdict is carried from the target
// of the same names and address. Without one, it is carried from a target at that address that has lost or changed its
// check.
std::vector<Inheritance> inherit(std::span<const Target> before, std::span<const Target> after);

}  // namespace core::health
