// Capabilities: what the running kernel's nf_tables can do, found by asking it, not by its version, because
// distributions backport. Used by encode and commit; what is of no use to us is told all the same (`rules --json`).
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "netfilter/netlink/socket.hpp"

namespace netfilter {

struct Capabilities {
    bool destroy = false;         // removing what is not there is no error (Linux 6.3)
    bool end_ack = false;         // the end of a batch is acknowledged, which proves the commit (Linux 6.10)
    bool owner = false;           // a table may belong to one process alone (Linux 5.12)
    bool persist = false;         // and outlive it (Linux 6.9)
    bool timeout_update = false;  // an element's time can be changed in its place (Linux 6.12)
    bool flowtable = false;       // established flows may pass the rules by (CONFIG_NF_FLOW_TABLE_INET)

    // Asks the kernel. All but one are asked for by batches without an end, which are checked and not done; for
    // timeout_update a table of this socket's own, which no packet meets, is there for a moment. Errors: no
    // CAP_NET_ADMIN, no nf_tables.
    static core::Result<Capabilities> probe(Socket& socket);

    // The names above of what is there, with a blank between: "destroy end_ack".
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Capabilities&, const Capabilities&) = default;
};

}  // namespace netfilter
