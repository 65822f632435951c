// The layout of redirects in nftables: table inet gatehouse_redirect. Everything that knows names of its maps and
// chains is here. Pure values; redirector.hpp brings them to the kernel.
//
// A new connection to a listener gets a number below 256, and a map of the listener's turns it into a backend's address
// and port. Where the map is empty the rule does nothing, and the connection meets the input chain, which resets it.
//
// Where we have switched forwarding on for them, the table holds a guard (redirect_guard.hpp).
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "netfilter/model/redirect.hpp"
#include "netfilter/redirect/redirect_guard.hpp"
#include "netfilter/nft/snapshot.hpp"
#include "netfilter/nft/transaction.hpp"

namespace netfilter {

inline constexpr std::string_view redirect_table_name = "gatehouse_redirect";

// What the kernel must hold; generation 0. `redirects` is valid.
[[nodiscard]] Snapshot redirect_table(std::span<const Redirect> redirects, const Found& found = {});

// What leads from one to the other: only elements where the structure is the same, else the whole table anew, with what
// the elements have counted so far. Empty when nothing differs.
[[nodiscard]] Transaction difference(const Snapshot& found, const Snapshot& wanted);

// What the table has counted for these. A backend of two listeners has one count, which both show.
[[nodiscard]] std::vector<RedirectCount> counts_in(const Snapshot& found, std::span<const Redirect> redirects);

}  // namespace netfilter
