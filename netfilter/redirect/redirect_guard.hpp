// The guard of forwarding: a part of table inet gatehouse_redirect, present while we have forwarding switched on for
// redirects. Before that nothing was forwarded through this machine. So now only redirected connections may be, with
// any firewall or none. Pure values; redirector.hpp brings them to the kernel with the rest of the table.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netfilter/expression/rule_parts.hpp"
#include "netfilter/kernel/forwarding.hpp"
#include "netfilter/model/redirect.hpp"
#include "netfilter/nft/objects.hpp"

namespace netfilter {

// The state of forwarding before we switched it on, for IPv6 and IPv4; empty: we have not switched it.
using Found = std::array<std::optional<Forwarding>, 2>;

[[nodiscard]] bool is_guarded(const Found& found) noexcept;

// A chain in the forward hook. It accepts redirected connections, and drops all else of the families that we have
// switched. Other families stay as they are, because their traffic was forwarded before.
[[nodiscard]] Chain guard_chain();
[[nodiscard]] std::vector<Rule> guard_rules(std::span<const Redirect> redirects, const Found& found);

// The comment of a table with such a guard: "gatehouse schema=1 ipv4=off,redirects ipv6=off". It holds `found`, so that
// a later process can restore the switches.
[[nodiscard]] std::string redirect_comment(const Found& found);
// The inverse. Empty where the comment is not ours.
[[nodiscard]] Found found_in(const std::string& comment);

}  // namespace netfilter
