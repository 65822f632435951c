// Report: a worker's counters; the server adds them up.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/http/oddity.hpp"
#include "core/proxy/stats/visitors.hpp"

namespace core::proxy {

struct ListenerReport {
    std::string name;
    std::uint64_t sessions = 0;  // open now
    std::uint64_t accepted = 0;  // since the start
    std::uint64_t refused = 0;   // of those: their source had too many sessions
};

// A number for each http::Oddity.
using OddCounts = std::array<std::uint64_t, http::oddity_count>;

struct BackendReport {
    std::string pool;
    std::string server;
    std::uint64_t active = 0;  // exchanges and relays in flight
    std::uint64_t total = 0;   // begun since the start
    std::uint64_t failed = 0;  // connects that failed, answers that broke
    OddCounts odd{};           // answers that were taken with that oddity
};

// Bytes sent to clients and servers, by method. Our own answers are copied.
struct Moved {
    std::uint64_t copied = 0;
    std::uint64_t spliced = 0;
};

// Requests that wait, or waited, because every server of a pool was at its limit.
struct QueueReport {
    std::string pool;
    std::uint64_t waiting = 0;   // now
    std::uint64_t waited = 0;    // had to wait, since the start
    std::uint64_t overflow = 0;  // turned away: the queue was full
    std::uint64_t expired = 0;   // turned away: waited for too long
};

struct VisitorsReport {
    std::string pool;
    Visitors visitors;
};

struct WorkerReport {
    Moved moved;
    std::uint64_t shortages = 0;  // connections that could not be made because this machine lacks something
    std::vector<ListenerReport> listeners;
    std::vector<BackendReport> backends;
    std::vector<VisitorsReport> visitors;  // of pools that had requests
    std::vector<QueueReport> queues;       // of all workers together; empty in a single worker's report
};

// What was still in flight when the time to drain was over.
struct CutReport {
    std::uint32_t exchanges = 0;
    std::uint32_t relays = 0;
};

// Adds other to sum, matching by name.
void add(WorkerReport& sum, const WorkerReport& other);

}  // namespace core::proxy
