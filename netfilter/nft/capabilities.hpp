// Capabilities: what the running kernel's nf_tables supports. Found by trials, not by its version, because
// distributions backport. Used by encode and commit; `rules --json` also shows those that we do not need.
#pragma once

#include <string>

#include "core/base/result.hpp"
#include "netfilter/netlink/socket.hpp"

namespace netfilter {

struct Capabilities {
    bool destroy = false;         // removing a missing element is no error (Linux 6.3)
    bool end_ack = false;         // the end of a batch is acknowledged, which proves the commit (Linux 6.10)
    bool owner = false;           // a table may belong to one process (Linux 5.12)
    bool persist = false;         // and stay after that process (Linux 6.9)
    bool timeout_update = false;  // an element's timeout can be changed in place (Linux 6.12)
    bool flowtable = false;       // established flows may bypass the rules (CONFIG_NF_FLOW_TABLE_INET)

    // Tries them in the kernel. All but one use batches without an end, which are checked and not executed.
    // timeout_update needs a table of this socket's own, which exists for a moment and meets no packet. Errors: no
    // CAP_NET_ADMIN, no nf_tables.
    static core::Result<Capabilities> probe(Socket& socket);

    // The names above of what is supported, separated by blanks: "destroy end_ack".
    [[nodiscard]] std::string text() const;
    friend bool operator==(const Capabilities&, const Capabilities&) = default;
};

}  // namespace netfilter
