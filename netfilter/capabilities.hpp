// Capabilities: what the running kernel's nf_tables can do, found by asking it, not by its version, because
// distributions backport. Used by encode and commit.
#pragma once

#include "core/base/result.hpp"
#include "netfilter/socket.hpp"

namespace netfilter {

struct Capabilities {
    bool destroy = false;  // removing what is not there is no error (Linux 6.3)
    bool end_ack = false;  // the end of a batch is acknowledged, which proves the commit (Linux 6.10)

    // Asks the kernel; changes nothing. Errors: no CAP_NET_ADMIN, no nf_tables.
    static core::Result<Capabilities> probe(Socket& socket);
};

}  // namespace netfilter
