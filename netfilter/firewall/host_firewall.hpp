// HostFirewall: keeps table inet gatehouse_host in the kernel as wanted. It lives in the fence process, beside the
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

    // Makes the table hold exactly these rules, in one transaction. True: it did not before. May be called every
    // second: while the rules and the ruleset's generation stay, it only reads the generation. Errors: see validate, or
    // what the kernel says; the old table stays then.
    core::Result<bool> put(const HostRules& rules);
    // True: there was a table.
    core::Result<bool> remove();

    // What was dropped since the table was made; empty when there is no table.
    core::Result<std::optional<HostDrops>> drops();
    // What `nft list table inet gatehouse_host` prints; empty when there is no table.
    core::Result<std::string> text();

private:
    core::Result<void> commit(const Transaction& transaction, const char* what);

    Kernel& kernel_;
    std::optional<HostRules> made_;
    std::optional<std::uint32_t> sound_at_;  // the generation at which the table was last seen to match made_
};

}  // namespace netfilter
