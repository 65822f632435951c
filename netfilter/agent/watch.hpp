// Watch: what the fence process does between two requests. It waits for the next one, and meanwhile puts its tables
// right when somebody else has changed them. It tells control so of the fences; of the redirects control's next put
// says it.
#pragma once

#include <chrono>
#include <optional>

#include "core/base/result.hpp"
#include "netfilter/fence/fence_manager.hpp"
#include "netfilter/nft/monitor.hpp"
#include "netfilter/protocol/notice.hpp"
#include "netfilter/agent/redirect_desk.hpp"

namespace netfilter {

class Watch {
public:
    // A program that changes the redirects in a loop has them put right so often, and no more: each time may be a table
    // of thousands of elements.
    static constexpr std::chrono::milliseconds redirect_step{100};

    // All outlive it. `link`: see serve().
    Watch(int link, FenceManager& manager, RedirectDesk& desk) : link_(link), manager_(manager), desk_(desk) {}

    // Begins to watch, and looks once at what happened before. Call it first. Without a monitor where the kernel is
    // none that announces anything. Errors: no CAP_NET_ADMIN, no nf_tables.
    core::Result<void> begin();

    // Blocks until the link has something to read, or its peer is gone. Errors: poll failed.
    core::Result<void> wait();

private:
    void mend(const ForeignChange& change);
    void mend_redirects();
    // Until when nothing has to be looked at, as poll wants it.
    [[nodiscard]] int patience(Monitor::Clock::time_point now) const;
    void tell();

    int link_;
    FenceManager& manager_;
    RedirectDesk& desk_;
    std::optional<Monitor> monitor_;  // both, or none
    std::optional<Monitor> redirect_monitor_;
    std::optional<Notice> untold_;  // the link was full; control will read
};

}  // namespace netfilter
