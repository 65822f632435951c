// The sockets that need a privilege to be made: listening ones (ports below 1024) and marked ones for probes. They live
// in the supervisor, so that connections queue instead of being refused while a killed proxy is replaced.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <vector>

#include "appliance/boot/supervisor/handover.hpp"
#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::boot {

class Listeners {
public:
    static constexpr std::size_t count_max = 1024;
    static constexpr int backlog = 4096;

    // count listening sockets on one address (SO_REUSEPORT, one per worker), owned here until close(). Asked again, the
    // same sockets, more of them where count has grown. The address need not be one of this machine's yet. Errors:
    // another program listens there; nothing is left open then that was not before.
    core::Result<std::vector<int>> open(const core::Address& address, std::size_t count);
    [[nodiscard]] bool has(const core::Address& address) const { return sockets_.contains(address); }
    // Closes this process's copies. Unknown addresses are fine.
    void close(const core::Address& address);
    void close_all();

    // Takes over the sockets that the program before has left.
    void adopt(const Handover::Listening& listening);
    // All that are open, for the program after; they stay ours.
    [[nodiscard]] std::vector<Handover::Listening> list() const;
    // Closes what is open beyond count sockets on each of these addresses.
    void keep_only(const std::set<core::Address>& addresses, std::size_t count);

private:
    std::map<core::Address, std::vector<core::base::Descriptor>> sockets_;
};

// Unconnected TCP sockets that carry netfilter::probe_mark, which the fence chain lets through. family: AF_INET or
// AF_INET6. Error: no CAP_NET_ADMIN, no descriptors.
core::Result<std::vector<core::base::Descriptor>> make_probe_sockets(int family, std::size_t count);

}  // namespace appliance::boot
