// Flows: the backend of the flows to end or to count, and how many were ended.
#pragma once

#include <cstdint>

#include "core/base/address.hpp"

namespace netfilter {

struct Destination {
    core::Address backend;
    std::uint8_t protocol = 6;  // IPPROTO_TCP or IPPROTO_UDP
};

struct Reaped {
    std::uint64_t sockets = 0;    // connections of programs on this machine
    std::uint64_t forwarded = 0;  // flows that pass through this machine
    friend bool operator==(const Reaped&, const Reaped&) = default;
};

}  // namespace netfilter
