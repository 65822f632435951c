// Watch: the fence process between two requests. It waits for the next one, and repairs its tables when another program
// has changed them. It reports repaired fences to control. Control learns of changed redirects at its next put.
#pragma once

#include <chrono>
#include <optional>

#include "core/base/result.hpp"
#include "netfilter/agent/redirect_desk.hpp"
#include "netfilter/fence/fence_manager.hpp"
#include "netfilter/nft/monitor.hpp"
#include "netfilter/protocol/notice.hpp"

namespace netfilter {

class Watch {
public:
    // The least time between two repairs of the redirects. It limits the cost of a program that changes them in a loop:
    // each repair may be a table of thousands of elements.
    static constexpr std::chrono::milliseconds redirect_step{100};

    // All outlive it. `link`: see serve().
    Watch(int link, FenceManager& manager, RedirectDesk& desk) : link_(link), manager_(manager), desk_(desk) {}

    // Begins to watch, and checks once for earlier changes. Call it first. A kernel that announces nothing gets no
    // monitor. Errors: no CAP_NET_ADMIN, no nf_tables.
    core::Result<void> begin();

    // Blocks until the link has something to read, or its peer is gone. Errors: poll failed.
    core::Result<void> wait();

private:
    void mend(const ForeignChange& change);
    void mend_redirects();
    // How long nothing is due, as a timeout for poll.
    [[nodiscard]] int patience(Monitor::Clock::time_point now) const;
    void tell();

    int link_;
    FenceManager& manager_;
    RedirectDesk& desk_;
    std::optional<Monitor> monitor_;  // both, or neither
    std::optional<Monitor> redirect_monitor_;
    std::optional<Notice> untold_;  // the link was full; sent once control has read
};

}  // namespace netfilter
