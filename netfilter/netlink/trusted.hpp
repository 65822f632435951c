// Trusted: what libnftnl takes on trust in the kernel's answers and does not look at itself. It reads a text as far as
// its closing zero, wherever that is; it reads the name of every expression and the target of every jump without asking
// whether there is one; and it writes past its arrays for attributes that are newer than it (libnftnl 1.2.4; found by
// tests/fuzz). Used by decode.cpp.
#pragma once

#include <cstddef>
#include <vector>

#include "netfilter/netlink/socket.hpp"

namespace netfilter {

// A copy of the message for libnftnl: a zero behind it ends every text, and padding takes the place of what would end
// the library. Empty where an expression in it has no name or a jump no target. `message` is one of nf_tables', with
// its whole header.
[[nodiscard]] std::vector<std::byte> trusted_copy(const Message& message);

}  // namespace netfilter
