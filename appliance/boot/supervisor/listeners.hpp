// The sockets that need a privilege: listening ones (ports below 1024) and marked ones for probes. The supervisor holds
// them, so that connections queue while a killed proxy is replaced.
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

    // Opens count listening sockets on one address (SO_REUSEPORT, one per worker), owned here until close(). A second
    // call returns the same sockets, and more where count has grown. The machine need not have the address yet. Errors:
    // another program listens there; then no new socket stays open.
    core::Result<std::vector<int>> open(const core::Address& address, std::size_t count);
    [[nodiscard]] bool has(const core::Address& address) const { return sockets_.contains(address); }
    // Closes this process's copies. Unknown addresses are fine.
    void close(const core::Address& address);
    void close_all();

    // Takes over the previous program's sockets.
    void adopt(const Handover::Listening& listening);
    // All open ones, for the next program; they stay ours.
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
