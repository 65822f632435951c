// Predecessors: proxies of old binaries, which drain while the new binary's proxy serves. An upgrade makes each one.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <vector>

#include "appliance/boot/supervisor/handover.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/duration.hpp"
#include "core/base/log.hpp"

namespace appliance::boot {

class Predecessors {
public:
    using Clock = std::chrono::steady_clock;

    // Each is a whole proxy, with its rings and threads. At this number an upgrade is refused until one has ended.
    static constexpr std::size_t count_max = 4;
    // What draining may take beyond its deadline, for a proxy to close what is left.
    static constexpr core::Milliseconds grace{2'000};

    // log outlives it.
    explicit Predecessors(core::base::Log& log) : log_(log) {}
    Predecessors(const Predecessors&) = delete;
    Predecessors& operator=(const Predecessors&) = delete;
    // Kills those that still live.
    ~Predecessors() { kill_all(); }

    // Tells a proxy over control's end of its link to drain. Idle sessions stay: the old proxy answers one more request
    // of each.
    void retire(pid_t pid, core::base::Descriptor link, core::Milliseconds drain);
    // Adds a proxy that the old binary has already told to drain.
    void adopt(const Handover::Proxy& proxy);

    // Takes note of those that have ended.
    void reap();
    // Kills those that have not ended in time.
    void end_late();
    void kill_all() noexcept;
    [[nodiscard]] std::optional<Clock::time_point> next_due() const noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return all_.size(); }
    [[nodiscard]] std::vector<Handover::Proxy> list() const;

private:
    struct One {
        pid_t pid = 0;
        core::base::Descriptor link;  // closing it would end the proxy at once
        Clock::time_point end_by;
    };

    core::base::Log& log_;
    std::vector<One> all_;
};

}  // namespace appliance::boot
