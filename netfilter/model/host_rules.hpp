// HostRules: which traffic may reach the appliance itself. Pure values; firewall/host_firewall.hpp brings them to the
// kernel, protocol/firewall_protocol.hpp to the fence process.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/network.hpp"
#include "core/base/result.hpp"
#include "netfilter/model/redirect.hpp"

namespace netfilter {

// A rate of new connections for one source.
struct Rate {
    std::uint32_t count = 0;  // 0: no limit
    std::uint32_t unit = 1;   // seconds: 1, 60 or 3600
    friend bool operator==(const Rate&, const Rate&) = default;
};

// Which traffic may reach this machine. Also accepted, because a network needs it: loopback, answers to our own packets
// and related errors, neighbour discovery, and a limited rate of pings. Everything else is dropped. Of forwarded
// traffic, only connections that our redirects translate pass.
struct HostRules {
    static constexpr std::size_t ports_max = 256;
    static constexpr std::size_t management_max = 64;  // networks, and ports
    static constexpr std::size_t redirected_max = redirects_max;
    static constexpr std::uint32_t connections_max = 1'000'000;
    static constexpr std::uint32_t rate_max = 1'000'000;

    std::vector<std::uint16_t> ports;             // TCP, open to all sources; each once, ascending
    std::vector<std::uint16_t> management_ports;  // TCP, open to the management networks; none of them in ports
    std::vector<core::Network> management;
    std::uint32_t connections_per_source = 0;  // open at once to `ports`; 0: no limit
    Rate new_per_source;                       // to `ports`
    std::vector<std::uint16_t> redirected;     // TCP, of listeners that the kernel redirects; each once, ascending

    friend bool operator==(const HostRules&, const HostRules&) = default;
};

// Errors: a bound above is exceeded; a port is 0, out of order or in both lists; a unit is invalid. The fence process
// calls it before it acts, because control is less trusted.
[[nodiscard]] core::Result<void> validate(const HostRules& rules);

// What was dropped since the table was made.
struct HostDrops {
    std::uint64_t policy = 0;       // packets that no rule accepts, for this machine or forwarded
    std::uint64_t rate = 0;         // connections over new_per_source
    std::uint64_t connections = 0;  // connections over connections_per_source
    friend bool operator==(const HostDrops&, const HostDrops&) = default;
};

}  // namespace netfilter
