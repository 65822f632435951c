// The layout of fences in nftables. Everything that knows names of maps and chains is here, so that the layout can be
// changed in one place. Pure values; fence_manager.hpp and host_fences.hpp bring them to the kernel.
//
// There are two tables: inet gatehouse on the balancer looks at where a packet goes, inet gatehouse_host_fence on an
// application server at where it comes from. A fence of the latter holds the balancer's address with the server's port.
//
// One verdict map for each scope and family: one lookup for a packet, whatever the number of fences; the mode visible
// in `nft list`; and the kernel itself sees to it that a backend has one mode. Adding an element which goes to a chain
// makes the kernel look the whole map over for loops: 80 us at 1 000 fences with both hooks, 0.9 ms at 10 000. Only the
// mode icmp pays that; a reset is `continue`, to the end of the rule that looked, where `goto deny-reset` stands.
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
// Of scope fresh and for TCP only, and without an exception for probes: those of a foreign balancer carry no mark that
// we know. It makes the host track no connections.
[[nodiscard]] const FenceTable& host_fence_table();

// True when the snapshot holds exactly the wanted table, nothing missing, changed, added, or in another order.
[[nodiscard]] bool has_structure(const Snapshot& snapshot, const FenceTable& wanted = fence_table());

// Whether rebuild keeps an element of one of the wanted table's maps: it is a fence.
[[nodiscard]] bool carried_over(const Element& element, const Map& map);

// Replaces whatever the snapshot holds under our name by the wanted table, with the fences that the snapshot has in
// our maps.
[[nodiscard]] Transaction rebuild(const Snapshot& snapshot, const FenceTable& wanted = fence_table());

// The map that a fence lives in. The table has maps of that scope.
[[nodiscard]] const Map& map_of(const core::Address& backend, Scope scope, const FenceTable& table = fence_table());
[[nodiscard]] Key key_of(const core::Address& backend, std::uint8_t protocol);

// `counts` seeds the counter. `now` turns until into the kernel's timeout; until lies after it.
[[nodiscard]] Element to_element(const Fence& fence, Counts counts, core::WallTime now);
// Nothing for an element that is no fence (somebody's accept, or a goto to a chain of his own).
[[nodiscard]] std::optional<Fence> to_fence(const Element& element, const Map& map, core::WallTime now);

}  // namespace netfilter
