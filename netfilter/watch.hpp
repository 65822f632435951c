// Watch: what the fence process does between two requests. It waits for the next one, and meanwhile puts the table
// right when somebody else has changed it, and tells control so.
#pragma once

#include <optional>

#include "core/base/result.hpp"
#include "netfilter/fence_manager.hpp"
#include "netfilter/monitor.hpp"
#include "netfilter/notice.hpp"

namespace netfilter {

class Watch {
public:
    // Both outlive it. `link`: see serve().
    Watch(int link, FenceManager& manager) : link_(link), manager_(manager) {}

    // Begins to watch, and looks once at what happened before. Call it first. Without a monitor where the kernel is
    // none that announces anything. Errors: no CAP_NET_ADMIN, no nf_tables.
    core::Result<void> begin();

    // Blocks until the link has something to read, or its peer is gone. Errors: poll failed.
    core::Result<void> wait();

private:
    void mend(const ForeignChange& change);
    void tell();

    int link_;
    FenceManager& manager_;
    std::optional<Monitor> monitor_;
    std::optional<Notice> untold_;  // the link was full; control will read
};

}  // namespace netfilter
