// The layout of fences in nftables. All names of maps and chains are here, so that the layout can be changed in one
// place. Pure values; fence_manager.hpp and host_fences.hpp bring them to the kernel.
//
// There are two tables. inet gatehouse, on the balancer, matches a packet's destination. inet gatehouse_host_fence, on
// an application server, matches its source. A fence of the latter holds the balancer's address with the server's port.
//
// There is one verdict map for each scope and family. So a packet needs one lookup for any number of fences. `nft list`
// shows the mode, and the kernel ensures one mode for each backend. An added element that goes to a chain makes the
// kernel check the whole map for loops: 80 us at 1 000 fences with both hooks, 0.9 ms at 10 000. Only the mode icmp
// costs that. A reset is `continue`, to the end of the rule, where `goto deny-reset` stands.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "netfilter/model/fence.hpp"
#include "netfilter/nft/objects.hpp"
#include "netfilter/nft/snapshot.hpp"
#include "netfilter/nft/transaction.hpp"

namespace netfilter {

inline constexpr std::string_view fence_table_name = "gatehouse";
inline constexpr std::string_view host_fence_table_name = "gatehouse_host_fence";

// A table without fences: what the kernel must hold for fences to work.
struct FenceTable {
    Table table;
    std::vector<Map> maps;
    std::vector<Chain> chains;
    std::vector<Rule> rules;
};
[[nodiscard]] const FenceTable& fence_table();
// Of scope fresh and for TCP only. There is no exception for probes, because a foreign balancer's probes carry no mark
// that we know. It does not make the host track connections.
[[nodiscard]] const FenceTable& host_fence_table();

// True when the snapshot holds exactly the wanted table: nothing missing, changed, added, or in another order.
[[nodiscard]] bool has_structure(const Snapshot& snapshot, const FenceTable& wanted = fence_table());

// Whether rebuild keeps an element of one of the wanted table's maps: only fences are kept.
[[nodiscard]] bool carried_over(const Element& element, const Map& map);

// Replaces the snapshot's table of our name by the wanted one, with the snapshot's fences in our maps.
[[nodiscard]] Transaction rebuild(const Snapshot& snapshot, const FenceTable& wanted = fence_table());

// The map for a fence. The table must have maps of that scope.
[[nodiscard]] const Map& map_of(const core::Address& backend, Scope scope, const FenceTable& table = fence_table());
[[nodiscard]] Key key_of(const core::Address& backend, std::uint8_t protocol);

// `counts` seeds the counter. `now` turns until into the kernel's timeout; until lies after it.
[[nodiscard]] Element to_element(const Fence& fence, Counts counts, core::WallTime now);
// Empty for an element that is no fence, such as another program's accept, or a goto to its chain.
[[nodiscard]] std::optional<Fence> to_fence(const Element& element, const Map& map, core::WallTime now);

}  // namespace netfilter
