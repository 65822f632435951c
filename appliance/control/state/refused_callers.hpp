// RefusedCallers: writes callers that the API has refused into the audit log. Each source and reason is written once a
// minute, with a count: a flood does not fill the log. Thread safe.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "appliance/control/state/audit_log.hpp"

namespace appliance::control {

struct RefusedCaller {
    std::string who;    // the name of its [access]; empty: not known
    std::string from;   // its source: an address without a port, or a network
    std::string asked;  // "POST /v1/fence"; empty: it got no further than authentication
    std::string why;
};

class RefusedCallers {
public:
    using Clock = std::chrono::steady_clock;

    static constexpr std::chrono::minutes period{1};
    static constexpr std::size_t kinds_max = 16;  // in a period; what is more is counted as one

    // The log outlives this.
    explicit RefusedCallers(AuditLog& log) : log_(log) {}

    // The first one of a period is on the disk when this returns, if the disk takes it.
    void note(const RefusedCaller& caller, Clock::time_point now = Clock::now());
    // Writes down how often, when a period is over. To be called now and then.
    void tick(Clock::time_point now = Clock::now());

private:
    struct Counted {
        std::int64_t id = 0;  // 0: it could not be written
        std::int64_t more = 0;
    };
    void end_period(Clock::time_point now);

    AuditLog& log_;
    std::mutex mutex_;
    std::map<std::string, Counted> kinds_;
    Clock::time_point begun_{};
};

}  // namespace appliance::control
