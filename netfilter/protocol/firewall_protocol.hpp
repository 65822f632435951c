// The firewall's part of the protocol between control and the fence process (helper_protocol.hpp). Its request replaces
// a request's items, in the same packet of fixed size. Plain numbers, no text, no lengths to trust.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <type_traits>

#include "netfilter/model/host_rules.hpp"
#include "netfilter/protocol/helper_protocol.hpp"

namespace netfilter::wire {

enum class FirewallAction : std::uint8_t { put = 1, remove = 2, look = 3 };

struct NetworkItem {
    std::array<std::uint8_t, 16> address;
    std::uint8_t family;  // 4 or 6
    std::uint8_t prefix;
};

struct FirewallItem {
    std::uint8_t action;
    std::uint8_t redirected_count;
    std::uint16_t ports_count;
    std::uint16_t management_ports_count;
    std::uint16_t management_count;
    std::uint32_t connections_per_source;
    std::uint32_t new_count;
    std::uint32_t new_unit;
    std::array<std::uint16_t, HostRules::ports_max> ports;
    std::array<std::uint16_t, HostRules::management_max> management_ports;
    std::array<NetworkItem, HostRules::management_max> management;
    std::array<std::uint16_t, HostRules::redirected_max> redirected;
};

// The fence process's answer.
struct FirewallReply {
    bool changed = false;            // put, remove: the kernel's contents differed before
    std::optional<HostDrops> drops;  // look: empty without a table
};

static_assert(std::is_trivially_copyable_v<FirewallItem> && std::has_unique_object_representations_v<FirewallItem>);
static_assert(sizeof(FirewallItem) <= sizeof(Request::items), "it travels in their place");

// `rules` is valid (host_rules.hpp).
void pack_firewall(FirewallAction action, const HostRules& rules, Request& request);
struct FirewallOrder {
    FirewallAction action = FirewallAction::look;
    HostRules rules;
};
// Errors: a field that pack_firewall never produces, or invalid rules.
[[nodiscard]] core::Result<FirewallOrder> unpack_firewall(const Request& request);

void pack_firewall(const FirewallReply& answer, Reply& reply);
[[nodiscard]] FirewallReply unpack_firewall(const Reply& reply);

}  // namespace netfilter::wire
