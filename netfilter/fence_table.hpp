// The layout of fences in nftables: table inet gatehouse. Everything that knows names of maps and chains is here, so
// that the layout can be changed in one place. Pure values; manager.hpp brings them to the kernel.
//
// One verdict map for each scope and family: one lookup for a packet, whatever the number of fences; the mode visible
// in `nft list`; and the kernel itself sees to it that a backend has one mode. Its price is that adding a fence which
// goes to a chain makes the kernel look the whole map over: 80 us at 1 000 fences with both hooks, 0.9 ms at 10 000.
#pragma once

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "netfilter/fence.hpp"
#include "netfilter/objects.hpp"
#include "netfilter/snapshot.hpp"
#include "netfilter/transaction.hpp"

namespace netfilter {

inline constexpr std::string_view fence_table_name = "gatehouse";

// The table without fences: what the kernel must hold for fences to work.
struct FenceTable {
    Table table;
    std::vector<Map> maps;
    std::vector<Chain> chains;
    std::vector<Rule> rules;
};
[[nodiscard]] const FenceTable& fence_table();

// True when the snapshot holds exactly fence_table(), nothing missing, changed, added, or in another order.
[[nodiscard]] bool has_structure(const Snapshot& snapshot);

// Replaces whatever the snapshot holds under our name by fence_table(), with the elements that the snapshot has in
// our maps.
[[nodiscard]] Transaction rebuild(const Snapshot& snapshot);

// The map that a fence lives in.
[[nodiscard]] const Map& map_of(const core::Address& backend, Scope scope);
[[nodiscard]] Key key_of(const core::Address& backend, std::uint8_t protocol);

// `counts` seeds the counter. `now` turns until into the kernel's timeout; until lies after it.
[[nodiscard]] Element to_element(const Fence& fence, Counts counts, core::WallTime now);
// Nothing for an element that is no fence (somebody's accept, or a goto to a chain of his own).
[[nodiscard]] std::optional<Fence> to_fence(const Element& element, const Map& map, core::WallTime now);

}  // namespace netfilter
