// The layout of redirects in nftables: table inet gatehouse_redirect. All names of its maps and chains are here. Pure
// values; redirector.hpp brings them to the kernel.
//
// A new connection to a listener gets a number below 256. The listener's map turns it into a backend's address and
// port. Where the map is empty the rule does nothing, and the input chain resets the connection.
//
// Where we have switched forwarding on for redirects, the table holds a guard (redirect_guard.hpp).
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "netfilter/model/redirect.hpp"
#include "netfilter/nft/snapshot.hpp"
#include "netfilter/nft/transaction.hpp"
#include "netfilter/redirect/redirect_guard.hpp"

namespace netfilter {

inline constexpr std::string_view redirect_table_name = "gatehouse_redirect";

// The wanted contents of the kernel; generation 0. `redirects` is valid.
[[nodiscard]] Snapshot redirect_table(std::span<const Redirect> redirects, const Found& found = {});

// The changes from found to wanted. Only elements where the structure is the same; else the whole table anew, with the
// elements' counts. Empty when nothing differs.
[[nodiscard]] Transaction difference(const Snapshot& found, const Snapshot& wanted);

// The table's counts for these. A backend of two listeners has one count, shown for both.
[[nodiscard]] std::vector<RedirectCount> counts_in(const Snapshot& found, std::span<const Redirect> redirects);

}  // namespace netfilter
