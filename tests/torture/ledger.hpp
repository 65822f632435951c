// Ledger: state that all threads of a run share: the time, the failures, and the requests that have reached a server.
// Any thread may call it.
#pragma once

#include <atomic>
#include <chrono>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

#include "tests/torture/plan.hpp"

namespace tests::torture {

class Ledger {
public:
    // over() becomes true after so long. No client may run when this is called.
    void run_for(std::chrono::milliseconds time);
    [[nodiscard]] bool over() const;

    // Records a failure that one end has seen. The run ends with the fifth.
    void blame(const Plan& plan, const std::string& end, const std::string& wrong);
    [[nodiscard]] std::vector<std::string> failures() const;

    void reached(std::uint64_t seed);
    // Whether reached() was called for seed; forgets it.
    [[nodiscard]] bool was_reached(std::uint64_t seed);

    std::atomic<std::uint64_t> messages{0};
    std::atomic<std::uint64_t> bytes{0};    // of bodies and streams that were received and compared
    std::atomic<std::uint64_t> excused{0};  // 502s that no proxy could have avoided

private:
    using Clock = std::chrono::steady_clock;
    std::atomic<Clock::rep> end_{0};
    std::atomic<bool> failed_{false};
    mutable std::mutex mutex_;
    std::vector<std::string> failures_;
    std::unordered_set<std::uint64_t> reached_;
};

}  // namespace tests::torture
