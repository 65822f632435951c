#include "netfilter/protocol/firewall_protocol.hpp"

#include <algorithm>
#include <cstring>

#include "core/base/verify.hpp"

namespace netfilter::wire {
namespace {

// changed, whether there is a table, and three counts.
using Numbers = std::array<std::uint64_t, 5>;
static_assert(sizeof(Numbers) <= text_max);

NetworkItem pack(const core::Network& network) {
    return {network.address().bytes(), static_cast<std::uint8_t>(network.address().is_v4() ? 4 : 6),
            static_cast<std::uint8_t>(network.prefix())};
}

core::Result<core::Network> unpack(const NetworkItem& item) {
    sockaddr_storage storage{};
    if (item.family == 4) {
        auto& in = reinterpret_cast<sockaddr_in&>(storage);
        in.sin_family = AF_INET;
        std::memcpy(&in.sin_addr, item.address.data(), sizeof in.sin_addr);
    } else if (item.family == 6) {
        auto& in = reinterpret_cast<sockaddr_in6&>(storage);
        in.sin6_family = AF_INET6;
        std::memcpy(&in.sin6_addr, item.address.data(), sizeof in.sin6_addr);
    } else {
        return core::fail("invalid network", "unknown address family");
    }
    return core::Network::make(core::Address::from(storage), item.prefix);
}

template <std::size_t Size, typename Count>
void put(const std::vector<std::uint16_t>& from, std::array<std::uint16_t, Size>& to, Count& count) {
    VERIFY(from.size() <= Size);
    std::copy(from.begin(), from.end(), to.begin());
    count = static_cast<Count>(from.size());
}

}  // namespace

void pack_firewall(FirewallAction action, const HostRules& rules, Request& request) {
    VERIFY(rules.management.size() <= HostRules::management_max);
    FirewallItem item{};
    item.action = static_cast<std::uint8_t>(action);
    put(rules.ports, item.ports, item.ports_count);
    put(rules.management_ports, item.management_ports, item.management_ports_count);
    put(rules.redirected, item.redirected, item.redirected_count);
    item.management_count = static_cast<std::uint16_t>(rules.management.size());
    std::transform(rules.management.begin(), rules.management.end(), item.management.begin(),
                   [](const core::Network& network) { return pack(network); });
    item.connections_per_source = rules.connections_per_source;
    item.new_count = rules.new_per_source.count;
    item.new_unit = rules.new_per_source.unit;
    std::memcpy(request.items.data(), &item, sizeof item);
}

core::Result<FirewallOrder> unpack_firewall(const Request& request) {
    FirewallItem item{};
    std::memcpy(&item, request.items.data(), sizeof item);
    const bool known = item.action >= static_cast<std::uint8_t>(FirewallAction::put) &&
                       item.action <= static_cast<std::uint8_t>(FirewallAction::look);
    if (!known || item.redirected_count > item.redirected.size() || item.ports_count > item.ports.size() ||
        item.management_ports_count > item.management_ports.size() || item.management_count > item.management.size()) {
        return core::fail("invalid order to the firewall", "an unknown action, or a count out of range");
    }
    FirewallOrder order;
    order.action = static_cast<FirewallAction>(item.action);
    order.rules.ports.assign(item.ports.begin(), item.ports.begin() + item.ports_count);
    order.rules.management_ports.assign(item.management_ports.begin(),
                                        item.management_ports.begin() + item.management_ports_count);
    for (std::size_t i = 0; i < item.management_count; ++i) {
        const auto network = unpack(item.management.at(i));
        if (!network) {
            return tl::unexpected(network.error());
        }
        order.rules.management.push_back(*network);
    }
    order.rules.redirected.assign(item.redirected.begin(), item.redirected.begin() + item.redirected_count);
    order.rules.connections_per_source = item.connections_per_source;
    order.rules.new_per_source = {item.new_count, item.new_unit};
    return validate(order.rules).map([&order] { return order; });
}

void pack_firewall(const FirewallReply& answer, Reply& reply) {
    const auto drops = answer.drops.value_or(HostDrops{});
    const Numbers numbers{answer.changed ? 1U : 0U, answer.drops ? 1U : 0U, drops.policy, drops.rate,
                          drops.connections};
    std::memcpy(reply.text.data(), numbers.data(), sizeof numbers);
}

FirewallReply unpack_firewall(const Reply& reply) {
    Numbers numbers{};
    std::memcpy(numbers.data(), reply.text.data(), sizeof numbers);
    FirewallReply answer{numbers[0] != 0, std::nullopt};
    if (numbers[1] != 0) {
        answer.drops = HostDrops{numbers[2], numbers[3], numbers[4]};
    }
    return answer;
}

}  // namespace netfilter::wire
