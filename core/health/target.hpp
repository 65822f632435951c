// Target: one backend to be checked, and the result of its checks.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/address.hpp"
#include "core/base/duration.hpp"
#include "core/health/check.hpp"
#include "core/health/tally.hpp"
#include "core/http/parser.hpp"

namespace core::health {

// pool and server together identify it.
struct Target {
    std::string pool;
    std::string server;
    Address address;
    Check check;
    http::Limits answers{};  // limits of an answer's head, as for visitors

    friend bool operator==(const Target&, const Target&) = default;
};

// What is known of a target now.
struct Standing {
    std::string pool;
    std::string server;
    Address address;
    Health health = Health::unknown;
    std::string why;
    WallTime since{};
    Milliseconds last{0};  // how long the last check took
    std::uint64_t passed = 0;
    std::uint64_t failed = 0;
    bool carried = false;  // the check has changed, and the new one has not decided yet
};

}  // namespace core::health
