// HostFirewall: keeps table inet gatehouse_host in the kernel as it is wanted. Lives in the fence process, beside the
// FenceManager and on its socket.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "netfilter/firewall/host_table.hpp"
#include "netfilter/kernel/kernel.hpp"

namespace netfilter {

class HostFirewall {
public:
    // The kernel outlives it. One thread.
    explicit HostFirewall(Kernel& kernel) : kernel_(kernel) {}

    // Makes the table hold just these rules, in one transaction. True: it did not before. Cheap (one question for the
    // ruleset's generation) when nobody has changed anything since the last put of the same rules, so that it may be
    // called every second. Errors: see validate, or what the kernel says; the old table stands then.
    core::Result<bool> put(const HostRules& rules);
    // True: there was one.
    core::Result<bool> remove();

    // What was dropped so far; nothing when there is no table.
    core::Result<std::optional<HostDrops>> drops();
    // What `nft list table inet gatehouse_host` prints; empty when there is no table.
    core::Result<std::string> text();

private:
    core::Result<void> commit(const Transaction& transaction, const char* what);

    Kernel& kernel_;
    std::optional<HostRules> made_;
    std::optional<std::uint32_t> sound_at_;  // the generation at which the table was last seen to be made_
};

}  // namespace netfilter
