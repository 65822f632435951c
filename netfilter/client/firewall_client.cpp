// HelperClient's requests about the firewall.
#include "netfilter/client/helper_client.hpp"
#include "netfilter/protocol/firewall_protocol.hpp"

namespace netfilter {

core::Result<wire::FirewallReply> HelperClient::ask_firewall(wire::FirewallAction action, const HostRules& rules) {
    const auto deadline = Clock::now() + timeout_;
    auto request = make_request(static_cast<std::uint8_t>(wire::Kind::firewall));
    wire::pack_firewall(action, rules, request);
    wire::FirewallReply answer;
    const Take take = [&answer](const wire::Reply& reply) -> core::Result<void> {
        answer = wire::unpack_firewall(reply);
        return {};
    };
    auto done = send(request, deadline).and_then([&] { return receive(request, deadline, take); });
    return done.map([&answer] { return answer; });
}

core::Result<bool> HelperClient::put_firewall(const HostRules& rules) {
    return ask_firewall(wire::FirewallAction::put, rules).map([](const auto& answer) { return answer.changed; });
}

core::Result<bool> HelperClient::remove_firewall() {
    return ask_firewall(wire::FirewallAction::remove, {}).map([](const auto& answer) { return answer.changed; });
}

core::Result<std::optional<HostDrops>> HelperClient::firewall_drops() {
    return ask_firewall(wire::FirewallAction::look, {}).map([](const auto& answer) { return answer.drops; });
}

}  // namespace netfilter
