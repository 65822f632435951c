// Visitors: how the exchanges of one pool ended since the start, and how long they took. Each worker counts in its own
// copy; reports add the copies up.
#pragma once

#include <array>
#include <cstdint>

#include "core/base/histogram.hpp"
#include "core/proxy/stats/record.hpp"

namespace core::proxy {

struct Visitors {
    std::uint64_t requests = 0;             // exchanges that ended; relays are none
    std::array<std::uint64_t, 4> status{};  // of those: 2xx, 3xx, 4xx and 5xx, as the visitor saw it
    std::uint64_t ours = 0;                 // 5xx that are our own answer: no server, or no valid answer in time
    std::uint64_t broken = 0;               // answers that broke off, and the visitor was not the cause
    std::uint64_t retried = 0;              // took more than one attempt
    std::uint64_t waited = 0;               // every server was at its limit at first
    std::uint64_t took_us = 0;              // the sum over all of them, microseconds
    base::Histogram latency;                // from the request's head to the end of its answer

    void count(const Record& record, base::Histogram::Duration took);
    void add(const Visitors& other);
};

}  // namespace core::proxy
