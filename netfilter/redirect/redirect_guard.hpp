// The guard of forwarding: what table inet gatehouse_redirect holds beside the redirects where we have switched
// forwarding on for them. Nothing went through this machine before, so nothing but the redirected connections may go
// through it now, whatever firewall there is or is not. Pure values; redirector.hpp brings them to the kernel, with the
// rest of the table.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netfilter/kernel/forwarding.hpp"
#include "netfilter/nft/objects.hpp"
#include "netfilter/model/redirect.hpp"
#include "netfilter/expression/rule_parts.hpp"

namespace netfilter {

// What forwarding was before we switched it on, of IPv6 and of IPv4; nothing: we have not switched it.
using Found = std::array<std::optional<Forwarding>, 2>;

[[nodiscard]] bool is_guarded(const Found& found) noexcept;

// A chain in the forward hook that lets the redirected connections pass, and drops whatever else comes of the families
// that we have switched. Other families stay as they are: their traffic was let through before.
[[nodiscard]] Chain guard_chain();
[[nodiscard]] std::vector<Rule> guard_rules(std::span<const Redirect> redirects, const Found& found);

// The comment of a table with such a guard. It holds `found`, so that whoever comes after this process can put the
// switches back: "gatehouse schema=1 ipv4=off,redirects ipv6=off".
[[nodiscard]] std::string redirect_comment(const Found& found);
// The contrary. Nothing was found where we have not written that comment.
[[nodiscard]] Found found_in(const std::string& comment);

}  // namespace netfilter
