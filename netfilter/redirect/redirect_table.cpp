#include "netfilter/redirect/redirect_table.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>
#include <set>

#include "netfilter/expression/rule_parts.hpp"
#include "netfilter/fence/fence_table.hpp"
#include "netfilter/model/fence.hpp"
#include "netfilter/redirect/redirect_guard.hpp"

namespace netfilter {
namespace {

constexpr const char* balance = "balance";
// The kernel's priorities for NAT: NF_IP_PRI_NAT_DST and NF_IP_PRI_NAT_SRC.
constexpr std::int32_t priority_destination = -100;
constexpr std::int32_t priority_source = 100;
// Constant, so that a client finds the same slot after a restart.
constexpr std::uint32_t hash_seed = 0x67617465;

Expressions is_port(std::uint16_t port) {
    return {Meta{Meta::Key::transport_protocol, 1}, Compare{true, {IPPROTO_TCP}, 1}, destination_port(1),
            Compare{true, {static_cast<std::uint8_t>(port >> 8), static_cast<std::uint8_t>(port & 0xff)}, 1}};
}

bool is_any(const core::Address& address) {
    const auto& bytes = address.bytes();
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

// Loopback traffic needs no masquerade, because its source can be answered. With masquerade the kernel would drop it,
// because the loopback device has no address that is reachable from outside.
bool is_loopback(const core::Address& address) {
    return address.is_v4() ? address.bytes()[0] == 127 : address.host() == "::1";
}

// "ip daddr 10.0.0.1 tcp dport 5222", or "fib daddr type local" for a listener on every address. With `late` the test
// for the family comes last. nft does not print a test that the rest implies, and would read the rule back in that
// order.
Expressions is_for(const core::Address& listener, bool late) {
    const bool v4 = listener.is_v4();
    Expressions rule;
    if (is_any(listener)) {
        if (!late) {
            append(rule, is_family(v4));
        }
        append(rule, {Fib{1}, Compare{true, host_bytes(Fib::local), 1}});
        append(rule, is_port(listener.port()));
        if (late) {
            append(rule, is_family(v4));
        }
        return rule;
    }
    const auto* bytes = listener.bytes().data();
    append(rule, is_family(v4));
    append(rule, {v4 ? ip_destination(1) : ip6_destination(1), Compare{true, {bytes, bytes + (v4 ? 4 : 16)}, 1}});
    append(rule, is_port(listener.port()));
    return rule;
}

std::string slots_name(const Redirect& redirect) {
    return "slots-" + redirect.name;
}

Rule balance_rule(const Redirect& redirect) {
    const bool v4 = redirect.listener.is_v4();
    const bool by_source = redirect.spread == Spread::source;
    auto rule = is_for(redirect.listener, by_source);
    if (by_source) {
        append(rule, {v4 ? ip_source(2) : ip6_source(2), Hash{2, v4 ? 4U : 16U, slots_count, hash_seed, 1}});
    } else {
        const auto order = redirect.spread == Spread::random ? Numgen::Order::random : Numgen::Order::incremental;
        append(rule, {Numgen{order, slots_count, 1}});
    }
    // The port is in the register after the address: one word later for IPv4, one large register later for IPv6.
    append(rule, {Lookup{slots_name(redirect), 1, false, 1}, Nat{v4, 1, v4 ? 9U : 2U}});
    return {balance, std::move(rule), {}};
}

// "ip daddr . meta l4proto . th dport @set", for redirected connections. A set with counters counts at each rule that
// looks into it, so only one rule does.
Expressions is_redirected_to(const char* set, bool v4) {
    auto rule = is_translated();
    append(rule, is_family(v4));
    append(rule, {v4 ? ip_destination(1) : ip6_destination(1), Meta{Meta::Key::transport_protocol, v4 ? 9U : 2U},
                  destination_port(v4 ? 10U : 13U), Lookup{set, 1, false}});
    return rule;
}

Rule count_rule(const char* set, bool v4) {
    auto rule = is_in_state(Conntrack::state_new);
    append(rule, is_redirected_to(set, v4));
    return {"count", std::move(rule), {}};
}

Rule masquerade_rule(const char* set, bool v4) {
    auto rule = is_redirected_to(set, v4);
    rule.emplace_back(Masquerade{});
    return {"postrouting", std::move(rule), {}};
}

// Only new connections: a proxy may still serve those from before the kernel took over the listener.
Rule refuse_rule(const Redirect& redirect) {
    auto rule = is_in_state(Conntrack::state_new);
    append(rule, is_for(redirect.listener, false));
    rule.emplace_back(Verdict{Verdict::Code::go_to, deny_reset});
    return {"input", std::move(rule), {}};
}

std::vector<Rule> make_rules(std::span<const Redirect> redirects, const Found& found) {
    std::vector<Rule> rules = guard_rules(redirects, found);
    for (const auto& redirect : redirects) {
        rules.push_back(balance_rule(redirect));
    }
    const Verdict to_balance{Verdict::Code::jump, balance};
    auto returned = is_translated();
    returned.emplace_back(Verdict{Verdict::Code::back, {}});
    rules.push_back(
        {deny_reset,
         {Meta{Meta::Key::transport_protocol, 1}, Compare{true, {IPPROTO_TCP}, 1}, Reject{Reject::Kind::tcp_reset, 0}},
         {}});
    rules.push_back({"prerouting", {to_balance}, {}});
    rules.push_back(
        {"output",
         {Meta{Meta::Key::mark, 1}, Compare{true, host_bytes(probe_mark), 1}, Verdict{Verdict::Code::back, {}}},
         "health probes"});
    rules.push_back({"output", {to_balance}, {}});
    rules.push_back(count_rule("served4", true));
    rules.push_back(count_rule("served6", false));
    rules.push_back(masquerade_rule("masquerade4", true));
    rules.push_back(masquerade_rule("masquerade6", false));
    rules.push_back({"input", std::move(returned), {}});
    for (const auto& redirect : redirects) {
        rules.push_back(refuse_rule(redirect));
    }
    return rules;
}

std::vector<Chain> make_chains(const Found& found) {
    using Place = Hook::Place;
    std::vector<Chain> chains{{balance, std::nullopt},
                              {deny_reset, std::nullopt},
                              {"prerouting", Hook{Place::prerouting, priority_destination, true, "nat"}},
                              {"output", Hook{Place::output, priority_destination, true, "nat"}},
                              {"count", Hook{Place::postrouting, 0, true, "filter"}},
                              {"postrouting", Hook{Place::postrouting, priority_source, true, "nat"}},
                              // Before the host's own rules, which may drop packets for a listener without a socket.
                              {"input", Hook{Place::input, -5, true, "filter"}}};
    if (is_guarded(found)) {
        chains.push_back(guard_chain());
    }
    return chains;
}

Key number_key(std::uint32_t number) {
    Key key;
    std::memcpy(key.bytes.data(), &number, sizeof number);
    key.size = sizeof number;
    return key;
}

Key data_of(const core::Address& backend) {
    Key data;
    data.append({backend.bytes().data(), backend.is_v4() ? 4U : 16U});
    const std::array<std::uint8_t, 2> port{static_cast<std::uint8_t>(backend.port() >> 8),
                                           static_cast<std::uint8_t>(backend.port() & 0xff)};
    data.append(port);
    return data;
}

Contents make_slots(const Redirect& redirect) {
    const bool v4 = redirect.listener.is_v4();
    Contents made{{slots_name(redirect), {KeyType::integer}, 0, false, false}, {}};
    made.map.data = {v4 ? KeyType::ipv4_addr : KeyType::ipv6_addr, KeyType::inet_service};
    const auto slots = fill_slots(redirect.backends);
    for (std::size_t i = 0; i < slots.size() && slots.at(i) != nobody; ++i) {
        Element element;
        element.key = number_key(static_cast<std::uint32_t>(i));
        element.data = data_of(redirect.backends.at(static_cast<std::size_t>(slots.at(i))).address);
        made.elements.push_back(std::move(element));
    }
    return made;
}

Contents make_set(const char* name, bool v4, bool counters, const std::set<Key>& keys) {
    Contents made{{name,
                   {v4 ? KeyType::ipv4_addr : KeyType::ipv6_addr, KeyType::inet_proto, KeyType::inet_service},
                   0,
                   counters,
                   false},
                  {}};
    for (const auto& key : keys) {
        Element element;
        element.key = key;
        if (counters) {
            element.counts = Counts{};
        }
        made.elements.push_back(std::move(element));
    }
    return made;
}

std::vector<Contents> make_maps(std::span<const Redirect> redirects) {
    std::vector<Contents> maps;
    std::set<Key> served4, served6, masked4, masked6;
    for (const auto& redirect : redirects) {
        maps.push_back(make_slots(redirect));
        const bool v4 = redirect.listener.is_v4();
        for (const auto& backend : redirect.backends) {
            const auto key = key_of(backend.address, IPPROTO_TCP);
            (v4 ? served4 : served6).insert(key);
            if (redirect.masquerade && !is_loopback(backend.address)) {
                (v4 ? masked4 : masked6).insert(key);
            }
        }
    }
    maps.push_back(make_set("served4", true, true, served4));
    maps.push_back(make_set("served6", false, true, served6));
    maps.push_back(make_set("masquerade4", true, false, masked4));
    maps.push_back(make_set("masquerade6", false, false, masked6));
    return maps;
}

const Contents* find(const Snapshot& snapshot, const std::string& name) {
    const auto found = std::find_if(snapshot.maps.begin(), snapshot.maps.end(),
                                    [&name](const Contents& each) { return each.map.name == name; });
    return found == snapshot.maps.end() ? nullptr : &*found;
}

std::map<Key, const Element*> by_key(const Contents* contents) {
    std::map<Key, const Element*> found;
    for (std::size_t i = 0; contents != nullptr && i < contents->elements.size(); ++i) {
        found[contents->elements[i].key] = &contents->elements[i];
    }
    return found;
}

bool same_structure(const Snapshot& found, const Snapshot& wanted) {
    const auto rules_of = [](const Snapshot& snapshot, const std::string& chain) {
        std::vector<Rule> rules;
        std::copy_if(snapshot.rules.begin(), snapshot.rules.end(), std::back_inserter(rules),
                     [&chain](const Rule& rule) { return rule.chain == chain; });
        return rules;
    };
    return found.table == wanted.table && found.maps.size() == wanted.maps.size() &&
           found.chains.size() == wanted.chains.size() && found.rules.size() == wanted.rules.size() &&
           std::all_of(wanted.maps.begin(), wanted.maps.end(),
                       [&](const Contents& each) {
                           const auto* there = find(found, each.map.name);
                           return there != nullptr && there->map == each.map;
                       }) &&
           std::all_of(wanted.chains.begin(), wanted.chains.end(), [&](const Chain& chain) {
               return std::find(found.chains.begin(), found.chains.end(), chain) != found.chains.end() &&
                      rules_of(found, chain.name) == rules_of(wanted, chain.name);
           });
}

void add_difference(const Contents* found, const Contents& wanted, Transaction& transaction) {
    const auto there = by_key(found);
    const auto here = by_key(&wanted);
    std::vector<Key> removed;
    std::vector<Element> added;
    for (const auto& [key, element] : there) {
        const auto other = here.find(key);
        if (other == here.end() || other->second->data != element->data) {
            removed.push_back(key);
        }
    }
    for (const auto& [key, element] : here) {
        const auto other = there.find(key);
        if (other == there.end() || other->second->data != element->data) {
            added.push_back(*element);
        }
    }
    if (!removed.empty()) {
        transaction.add(RemoveElements{wanted.map, std::move(removed)});
    }
    if (!added.empty()) {
        transaction.add(AddElements{wanted.map, std::move(added)});
    }
}

void add_all(const Snapshot& found, const Snapshot& wanted, Transaction& transaction) {
    if (found.table) {
        transaction.add(RemoveTable{wanted.table->name});
    }
    transaction.add(AddTable{*wanted.table});
    for (const auto& contents : wanted.maps) {
        transaction.add(AddMap{contents.map});
    }
    for (const auto& chain : wanted.chains) {
        transaction.add(AddChain{chain});
    }
    for (const auto& rule : wanted.rules) {
        transaction.add(AddRule{rule});
    }
    for (const auto& contents : wanted.maps) {
        auto elements = contents.elements;
        const auto before = by_key(find(found, contents.map.name));
        for (auto& element : elements) {
            const auto old = before.find(element.key);
            if (element.counts && old != before.end() && old->second->counts) {
                element.counts = old->second->counts;
            }
        }
        if (!elements.empty()) {
            transaction.add(AddElements{contents.map, std::move(elements)});
        }
    }
}

}  // namespace

Snapshot redirect_table(std::span<const Redirect> redirects, const Found& found) {
    return {0, Table{std::string(redirect_table_name), redirect_comment(found), 0}, make_chains(found),
            make_rules(redirects, found), make_maps(redirects)};
}

Transaction difference(const Snapshot& found, const Snapshot& wanted) {
    Transaction transaction{std::string(redirect_table_name)};
    if (!same_structure(found, wanted)) {
        add_all(found, wanted, transaction);
        return transaction;
    }
    for (const auto& contents : wanted.maps) {
        add_difference(find(found, contents.map.name), contents, transaction);
    }
    return transaction;
}

std::vector<RedirectCount> counts_in(const Snapshot& found, std::span<const Redirect> redirects) {
    std::vector<RedirectCount> counts;
    for (const auto& redirect : redirects) {
        const auto* slots = find(found, slots_name(redirect));
        const auto served = by_key(find(found, redirect.listener.is_v4() ? "served4" : "served6"));
        for (const auto& backend : redirect.backends) {
            RedirectCount count{redirect.listener, backend.address, 0, 0};
            const auto data = data_of(backend.address);
            if (slots != nullptr) {
                count.slots = static_cast<std::uint16_t>(
                    std::count_if(slots->elements.begin(), slots->elements.end(),
                                  [&data](const Element& element) { return element.data == data; }));
            }
            const auto element = served.find(key_of(backend.address, IPPROTO_TCP));
            if (element != served.end() && element->second->counts) {
                count.connections = element->second->counts->packets;
            }
            counts.push_back(count);
        }
    }
    return counts;
}

}  // namespace netfilter
