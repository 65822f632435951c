#include "netfilter/redirect/redirect_guard.hpp"

#include <utility>

namespace netfilter {
namespace {

constexpr const char* guard = "forward";

Rule pass(Expressions rule) {
    rule.emplace_back(Verdict{Verdict::Code::accept, {}});
    return {guard, std::move(rule), {}};
}

}  // namespace

bool is_guarded(const Found& found) noexcept {
    return found[0].has_value() || found[1].has_value();
}

Chain guard_chain() {
    return {guard, Hook{Hook::Place::forward, 0, true, "filter"}};
}

// A first packet passes when it is for one of our listeners. Later packets of its connection pass even when that
// listener is gone.
std::vector<Rule> guard_rules(std::span<const Redirect> redirects, const Found& found) {
    if (!is_guarded(found)) {
        return {};
    }
    auto begun = is_translated();
    append(begun, is_in_state(Conntrack::state_established | Conntrack::state_related));
    std::vector<Rule> rules{pass(std::move(begun))};
    for (const auto& redirect : redirects) {
        const auto port = redirect.listener.port();
        auto first = is_family(redirect.listener.is_v4());
        append(first, is_transport(IPPROTO_TCP));
        append(first, is_translated());
        append(first,
               {Conntrack{Conntrack::Key::first_port, 1},
                Compare{true, {static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port & 0xff)}, 1}});
        rules.push_back(pass(std::move(first)));
    }
    for (const bool v4 : {true, false}) {
        if (found.at(v4 ? 1 : 0)) {
            auto rest = is_family(v4);
            append(rest, {Counter{}, Verdict{Verdict::Code::drop, {}}});
            rules.push_back({guard, std::move(rest), "forwarding is on for redirects alone"});
        }
    }
    return rules;
}

std::string redirect_comment(const Found& found) {
    std::string text = "gatehouse schema=1";
    if (found[1]) {
        text += found[1]->accept_redirects ? " ipv4=off,redirects" : " ipv4=off";
    }
    return text + (found[0] ? " ipv6=off" : "");
}

Found found_in(const std::string& comment) {
    const std::array<std::optional<Forwarding>, 3> each4{std::nullopt, Forwarding{false, false},
                                                         Forwarding{false, true}};
    const std::array<std::optional<Forwarding>, 2> each6{std::nullopt, Forwarding{false, false}};
    for (const auto& v4 : each4) {
        for (const auto& v6 : each6) {
            if (comment == redirect_comment({v6, v4})) {
                return {v6, v4};
            }
        }
    }
    return {};
}

}  // namespace netfilter
