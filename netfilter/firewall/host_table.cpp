#include "netfilter/firewall/host_table.hpp"

#include <fmt/format.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "netfilter/expression/rule_parts.hpp"
#include "netfilter/netlink/uapi.hpp"

namespace netfilter {
namespace {

constexpr const char* input = "input";
constexpr const char* forward = "forward";
constexpr const char* redirected_set = "redirected_ports";
constexpr const char* management_chain = "management";
constexpr const char* visitors_chain = "visitors";
constexpr const char* policy_note = "wanted by nobody";

// Each set remembers so many sources. When a set is full, further sources are not limited: a flood from forged
// addresses must not keep visitors out.
constexpr std::uint32_t sources_max = 65'535;
constexpr std::chrono::minutes source_memory{1};
constexpr std::uint64_t pings_per_second = 10;
constexpr std::uint32_t ping_burst = 20;

Expressions operator+(Expressions left, Expressions right) {
    append(left, std::move(right));
    return left;
}

constexpr std::uint32_t established_or_related = Conntrack::state_established | Conntrack::state_related;

Expressions is_icmp(bool v4, std::uint8_t type) {
    return is_family(v4) + is_transport(v4 ? std::uint8_t{IPPROTO_ICMP} : std::uint8_t{IPPROTO_ICMPV6}) +
           Expressions{icmp_type(1), Compare{true, {type}, 1}};
}

Expressions to_ports(const char* set) {
    return is_transport(IPPROTO_TCP) + Expressions{destination_port(1), Lookup{set, 1, false}};
}

Expressions end(Verdict::Code code, const char* chain = "") {
    return {Verdict{code, chain}};
}

Expressions is_loopback() {
    std::vector<std::uint8_t> name(16, 0);  // IFNAMSIZ, the size that the kernel compares
    name[0] = 'l';
    name[1] = 'o';
    return {Meta{Meta::Key::input_name, 1}, Compare{true, std::move(name), 1}};
}

Expressions is_from(const core::Network& network) {
    const bool v4 = network.address().is_v4();
    const std::size_t size = v4 ? 4 : 16;
    const auto& bytes = network.address().bytes();
    auto rule = is_family(v4) + Expressions{v4 ? ip_source(1) : ip6_source(1)};
    if (network.prefix() < size * 8) {
        std::vector<std::uint8_t> mask(size, 0);
        for (std::size_t bit = 0; bit < network.prefix(); ++bit) {
            mask[bit / 8] = static_cast<std::uint8_t>(mask[bit / 8] | 0x80U >> bit % 8);
        }
        rule.emplace_back(Bitwise{std::move(mask), 1, 1});
    }
    rule.emplace_back(Compare{true, {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}, 1});
    return rule;
}

// A source is one IPv4 address, or an IPv6 /64, because one visitor has a /64 with any number of addresses.
Expressions source(bool v4) {
    auto key = is_family(v4) + Expressions{v4 ? ip_source(1) : ip6_source(1)};
    if (!v4) {
        std::vector<std::uint8_t> mask(16, 0);
        std::fill(mask.begin(), mask.begin() + 8, std::uint8_t{0xff});
        key.emplace_back(Bitwise{std::move(mask), 1, 1});
    }
    return key;
}

struct Layout {
    Table table{std::string(host_table_name), {}, 0};
    std::vector<Contents> sets;
    std::vector<Chain> chains;
    std::vector<Rule> rules;
};

// Constant: no program can add or remove a port while a rule uses the set. So the set need not be read to know its
// contents.
Contents port_set(const char* name, const std::vector<std::uint16_t>& ports) {
    const auto count = static_cast<std::uint32_t>(ports.size());  // nft sets it too when it loads such a set
    Contents set{{name, {KeyType::inet_service}, NFT_SET_CONSTANT, false, false, count}, {}};
    for (const auto port : ports) {
        Element element;
        const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(port >> 8),
                                                static_cast<std::uint8_t>(port & 0xff)};
        element.key.append(bytes);
        set.elements.push_back(std::move(element));
    }
    return set;
}

Contents source_set(const char* name, bool v4, bool timed) {
    const std::uint32_t flags = timed ? NFT_SET_EVAL | NFT_SET_TIMEOUT : NFT_SET_EVAL;
    return {{name,
             {v4 ? KeyType::ipv4_addr : KeyType::ipv6_addr},
             flags,
             false,
             false,
             sources_max,
             timed ? core::Milliseconds(source_memory) : core::Milliseconds(0)},
            {}};
}

// The rate comes first: a connection over the rate need not be counted as open.
void add_limits(const HostRules& rules, Layout& layout) {
    const auto add = [&layout](const char* set, bool v4, bool timed, Dynset::Action action, auto limit) {
        layout.sets.push_back(source_set(set, v4, timed));
        layout.rules.push_back(
            {visitors_chain,
             source(v4) + Expressions{Dynset{set, action, limit, 1}, Counter{}} + end(Verdict::Code::drop),
             {}});
    };
    if (const auto& rate = rules.new_per_source; rate.count != 0) {
        // A browser opens several connections at once, so the burst is the whole count.
        const Limit limit{rate.count, rate.unit, rate.count, true};
        add("rate4", true, true, Dynset::Action::update, limit);
        add("rate6", false, true, Dynset::Action::update, limit);
    }
    if (rules.connections_per_source != 0) {
        const Connlimit limit{rules.connections_per_source, true};
        add("count4", true, false, Dynset::Action::add, limit);
        add("count6", false, false, Dynset::Action::add, limit);
    }
}

void add_icmp(Layout& layout) {
    const Limit pings{pings_per_second, 1, ping_burst, false};
    constexpr std::uint8_t echo_request = 8;
    layout.rules.push_back({input, is_icmp(true, echo_request) + Expressions{pings} + end(Verdict::Code::accept), {}});
    layout.rules.push_back(
        {input, is_icmp(false, ICMP6_ECHO_REQUEST) + Expressions{pings} + end(Verdict::Code::accept), {}});
    // RFC 4890 section 4.4: a host on an IPv6 link is unreachable without these. Errors are "related" and were accepted
    // before.
    for (const std::uint8_t type : {std::uint8_t{ND_NEIGHBOR_SOLICIT}, std::uint8_t{ND_NEIGHBOR_ADVERT},
                                    std::uint8_t{ND_ROUTER_ADVERT}, std::uint8_t{MLD_LISTENER_QUERY}}) {
        layout.rules.push_back({input, is_icmp(false, type) + end(Verdict::Code::accept), {}});
    }
}

// Neither rule checks which program translated the connection. A connection is only established after its first packet
// has passed the second rule. That one accepts only packets for our listeners. So other programs' translations end
// here.
void add_forward(Layout& layout) {
    layout.rules.push_back(
        {forward, is_translated() + is_in_state(established_or_related) + end(Verdict::Code::accept), {}});
    layout.rules.push_back(
        {forward,
         is_translated() + is_transport(IPPROTO_TCP) +
             Expressions{Conntrack{Conntrack::Key::first_port, 1}, Lookup{redirected_set, 1, false}} +
             end(Verdict::Code::accept),
         {}});
    layout.rules.push_back({forward, {Counter{}}, policy_note});
}

// FNV-1a over the lists of ports; the table's comment identifies the lists by it.
std::uint32_t digest(const HostRules& rules) {
    std::uint32_t hash = 2'166'136'261U;
    const auto mix = [&hash](std::uint32_t value) {
        for (const std::uint32_t byte : {value >> 8U, value & 0xffU}) {
            hash = (hash ^ byte) * 16'777'619U;
        }
    };
    std::for_each(rules.ports.begin(), rules.ports.end(), mix);
    mix(0);
    std::for_each(rules.management_ports.begin(), rules.management_ports.end(), mix);
    mix(0);
    std::for_each(rules.redirected.begin(), rules.redirected.end(), mix);
    return hash;
}

Layout make_layout(const HostRules& rules) {
    Layout layout;
    layout.table.comment = fmt::format("gatehouse schema=1 role=host ports={:08x}", digest(rules));
    layout.sets = {port_set("ports", rules.ports), port_set("management_ports", rules.management_ports),
                   port_set(redirected_set, rules.redirected)};
    layout.chains = {{management_chain, std::nullopt},
                     {visitors_chain, std::nullopt},
                     {input, Hook{Hook::Place::input, 0, false, "filter"}},
                     {forward, Hook{Hook::Place::forward, 0, false, "filter"}}};
    for (const auto& network : rules.management) {
        layout.rules.push_back({management_chain, is_from(network) + end(Verdict::Code::accept), {}});
    }
    add_limits(rules, layout);
    layout.rules.push_back({visitors_chain, end(Verdict::Code::accept), {}});
    layout.rules.push_back({input, is_loopback() + end(Verdict::Code::accept), {}});
    layout.rules.push_back({input, is_in_state(established_or_related) + end(Verdict::Code::accept), {}});
    layout.rules.push_back({input, is_in_state(Conntrack::state_invalid) + end(Verdict::Code::drop), {}});
    add_icmp(layout);
    layout.rules.push_back({input, to_ports("management_ports") + end(Verdict::Code::jump, management_chain), {}});
    layout.rules.push_back({input, to_ports("ports") + end(Verdict::Code::go_to, visitors_chain), {}});
    layout.rules.push_back({input, {Counter{}}, policy_note});
    add_forward(layout);
    return layout;
}

// The order of rules matters only within their chain.
std::vector<Rule> by_chain(std::vector<Rule> rules) {
    std::stable_sort(rules.begin(), rules.end(), [](const Rule& a, const Rule& b) { return a.chain < b.chain; });
    return rules;
}

}  // namespace

Transaction host_table(const HostRules& rules) {
    auto layout = make_layout(rules);
    Transaction transaction{std::string(host_table_name)};
    transaction.add(RemoveTable{layout.table.name});
    transaction.add(AddTable{std::move(layout.table)});
    for (auto& set : layout.sets) {
        transaction.add(AddMap{set.map});
        if (!set.elements.empty()) {
            transaction.add(AddElements{set.map, std::move(set.elements)});
        }
    }
    for (auto& chain : layout.chains) {
        transaction.add(AddChain{std::move(chain)});
    }
    for (auto& rule : layout.rules) {
        transaction.add(AddRule{std::move(rule)});
    }
    return transaction;
}

bool holds(const Snapshot& snapshot, const HostRules& rules) {
    const auto wanted = make_layout(rules);
    const bool shape = snapshot.table == wanted.table && snapshot.maps.size() == wanted.sets.size() &&
                       snapshot.chains.size() == wanted.chains.size() &&
                       by_chain(snapshot.rules) == by_chain(wanted.rules);
    const bool chains = std::all_of(wanted.chains.begin(), wanted.chains.end(), [&snapshot](const Chain& chain) {
        return std::find(snapshot.chains.begin(), snapshot.chains.end(), chain) != snapshot.chains.end();
    });
    return shape && chains && std::all_of(wanted.sets.begin(), wanted.sets.end(), [&snapshot](const Contents& set) {
               return std::any_of(snapshot.maps.begin(), snapshot.maps.end(),
                                  [&set](const Contents& each) { return each.map == set.map; });
           });
}

HostDrops drops_in(const Snapshot& snapshot) {
    HostDrops drops;
    for (const auto& rule : snapshot.rules) {
        const Dynset* limit = nullptr;
        for (const auto& expression : rule.expressions) {
            limit = std::holds_alternative<Dynset>(expression) ? &std::get<Dynset>(expression) : limit;
            const auto* counter = std::get_if<Counter>(&expression);
            if (counter == nullptr) {
                continue;
            }
            auto& sum = limit == nullptr                              ? drops.policy
                        : std::holds_alternative<Limit>(limit->limit) ? drops.rate
                                                                      : drops.connections;
            sum += counter->packets;
        }
    }
    return drops;
}

}  // namespace netfilter
