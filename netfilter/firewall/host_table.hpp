// What table inet gatehouse_host must hold for the rules of the host firewall. Pure.
#pragma once

#include <string_view>

#include "netfilter/model/host_rules.hpp"
#include "netfilter/nft/snapshot.hpp"
#include "netfilter/nft/transaction.hpp"

namespace netfilter {

inline constexpr std::string_view host_table_name = "gatehouse_host";

// Makes the table anew, in place of any that was there: one transaction, so that no packet meets half of it. Flows
// that are established go on, because what they are is kept by connection tracking and not by the table.
[[nodiscard]] Transaction host_table(const HostRules& rules);

// True when the snapshot holds just what host_table makes. Depth::structure is enough: the sets of ports are constant,
// and the table's comment has a digest of them; what the limits have learnt about sources does not count.
[[nodiscard]] bool holds(const Snapshot& snapshot, const HostRules& rules);

[[nodiscard]] HostDrops drops_in(const Snapshot& snapshot);

}  // namespace netfilter
