// The contents of table inet gatehouse_host for the host firewall's rules. Pure.
#pragma once

#include <string_view>

#include "netfilter/model/host_rules.hpp"
#include "netfilter/nft/snapshot.hpp"
#include "netfilter/nft/transaction.hpp"

namespace netfilter {

inline constexpr std::string_view host_table_name = "gatehouse_host";

// Makes the table anew, in place of an existing one. One transaction, so that no packet meets half of it. Established
// flows continue, because connection tracking keeps their state, not the table.
[[nodiscard]] Transaction host_table(const HostRules& rules);

// True when the snapshot holds exactly what host_table makes. Depth::structure is enough: the sets of ports are
// constant, and the table's comment has a digest of them. What the limits have recorded about sources does not count.
[[nodiscard]] bool holds(const Snapshot& snapshot, const HostRules& rules);

[[nodiscard]] HostDrops drops_in(const Snapshot& snapshot);

}  // namespace netfilter
