#include "netfilter/model/host_rules.hpp"

#include <algorithm>
#include <functional>

namespace netfilter {
namespace {

core::Result<void> check_ports(const std::vector<std::uint16_t>& ports, std::size_t count_max) {
    const bool ascending = std::adjacent_find(ports.begin(), ports.end(), std::greater_equal<>()) == ports.end();
    if (ports.size() > count_max || !ascending || (!ports.empty() && ports.front() == 0)) {
        return core::fail("cannot use the firewall's rules", "ports are too many, not ascending, or 0");
    }
    return {};
}

}  // namespace

core::Result<void> validate(const HostRules& rules) {
    auto ports = check_ports(rules.ports, HostRules::ports_max)
                     .and_then([&rules] { return check_ports(rules.management_ports, HostRules::management_max); })
                     .and_then([&rules] { return check_ports(rules.redirected, HostRules::redirected_max); });
    if (!ports) {
        return ports;
    }
    const bool shared = std::any_of(rules.ports.begin(), rules.ports.end(), [&rules](auto port) {
        return std::binary_search(rules.management_ports.begin(), rules.management_ports.end(), port);
    });
    const auto unit = rules.new_per_source.unit;
    if (shared || rules.management.size() > HostRules::management_max || (unit != 1 && unit != 60 && unit != 3600) ||
        rules.new_per_source.count > HostRules::rate_max || rules.connections_per_source > HostRules::connections_max) {
        return core::fail("cannot use the firewall's rules", "a port is in both lists, or a limit is out of range");
    }
    return {};
}

}  // namespace netfilter
