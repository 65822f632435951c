// Trusted: checks what libnftnl 1.2.4 does not check in the kernel's answers (found by tests/fuzz). Used by decode.cpp.
// 1. libnftnl reads a text up to its closing zero, wherever that is.
// 2. It reads every expression's name and every jump's target, even where there is none.
// 3. It writes past its arrays for attribute types that are newer than it.
#pragma once

#include <cstddef>
#include <vector>

#include "netfilter/netlink/socket.hpp"

namespace netfilter {

// A copy of the message for libnftnl. A zero behind it ends every text, and padding replaces attributes that would
// crash the library. Empty where an expression has no name or a jump no target. `message`: of nf_tables, with its whole
// header.
[[nodiscard]] std::vector<std::byte> trusted_copy(const Message& message);

}  // namespace netfilter
