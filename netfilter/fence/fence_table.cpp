#include "netfilter/fence/fence_table.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "netfilter/expression/rule_parts.hpp"
#include "netfilter/netlink/uapi.hpp"

namespace netfilter {
namespace {

static_assert(note_max <= comment_max);

constexpr const char* deny_icmp = "deny-icmp";
constexpr const char* fence_chain = "fence";

// Before the host's own filter rules, so that they cannot accept what we refuse. After destination NAT, so that the
// forward hook sees the backend's address.
constexpr std::int32_t priority = -5;

// The kernel's registers: 1 to 4 hold 16 bytes; 8 and up name the same memory in words of 4.
constexpr std::uint32_t word(std::uint32_t index) {
    return 8 + index;
}

// "tcp flags syn tcp flags ! ack": the first packet of a TCP connection. Connection tracking would be worse in three
// ways. It starts with the rule that needs it, and then takes older connections for new ones. It costs every packet of
// the machine time. When its table is full, packets are lost.
Expressions begins_connection() {
    constexpr std::uint8_t syn = 2, ack = 16;
    auto rule = is_transport(IPPROTO_TCP);
    append(rule, {tcp_flags(1), Bitwise{{syn}, 1, 1}, Compare{false, {0}, 1}, tcp_flags(1), Bitwise{{ack}, 1, 1},
                  Compare{true, {0}, 1}});
    return rule;
}

// The verdict for a packet with `continue` in the map; a packet without an element has left the rule.
Verdict or_else_reset() {
    return {Verdict::Code::go_to, deny_reset};
}

// Which end of a packet has the fenced address.
enum class End { source, destination };

Payload address_at(End end, bool v4) {
    if (end == End::destination) {
        return v4 ? ip_destination(1) : ip6_destination(1);
    }
    return v4 ? ip_source(1) : ip6_source(1);
}

// "ip daddr . meta l4proto . th dport vmap @map". The test for the family stands before it, because only then ip daddr
// has its meaning.
Expressions look_up(const char* map, bool v4, End end) {
    const auto family = static_cast<std::uint8_t>(v4 ? AF_INET : AF_INET6);
    const std::uint32_t address_words = v4 ? 1 : 4;
    // The kernel reports a word that begins a large register by the large one's name: 2 is word 4.
    const std::uint32_t protocol_at = v4 ? word(1) : 2;
    return {Meta{Meta::Key::network_protocol, 1},
            Compare{true, {family}, 1},
            address_at(end, v4),
            Meta{Meta::Key::transport_protocol, protocol_at},
            destination_port(word(address_words + 1)),
            Lookup{map, 1}};
}

Rule deny_with_reset() {
    auto rule = is_transport(IPPROTO_TCP);
    rule.emplace_back(Reject{Reject::Kind::tcp_reset, 0});
    return {deny_reset, std::move(rule), {}};
}

// Tests for a first packet before the lookup, so that an element's counter counts exactly the refused connects.
Rule fence_new(const char* chain, const char* map, bool v4, End end) {
    auto rule = begins_connection();
    append(rule, look_up(map, v4, end));
    rule.emplace_back(or_else_reset());
    return {chain, std::move(rule), {}};
}

Rule fence_all(const char* map, bool v4) {
    auto rule = look_up(map, v4, End::destination);
    rule.emplace_back(or_else_reset());
    return {fence_chain, std::move(rule), {}};
}

// Our own resets must reach a fully fenced backend, or its connections stay open forever.
Rule pass_resets() {
    constexpr std::uint8_t rst = 4;
    auto rule = is_transport(IPPROTO_TCP);
    append(rule, {tcp_flags(1), Bitwise{{rst}, 1, 1}, Compare{false, {0}, 1}, Verdict{Verdict::Code::back, {}}});
    return {fence_chain, std::move(rule), "our own resets"};
}

Map make_map(const char* name, KeyType address) {
    return {name, {address, KeyType::inet_proto, KeyType::inet_service}, NFT_SET_TIMEOUT, true, true};
}

FenceTable make_table() {
    FenceTable made;
    made.table = {std::string(fence_table_name), "gatehouse schema=3", 0};
    made.maps = {make_map("new4", KeyType::ipv4_addr), make_map("new6", KeyType::ipv6_addr),
                 make_map("all4", KeyType::ipv4_addr), make_map("all6", KeyType::ipv6_addr)};
    made.chains = {{deny_reset, std::nullopt},
                   {deny_icmp, std::nullopt},
                   {fence_chain, std::nullopt},
                   {"output", Hook{Hook::Place::output, priority, true, "filter"}},
                   {"forward", Hook{Hook::Place::forward, priority, true, "filter"}}};
    const Verdict to_fences{Verdict::Code::jump, fence_chain};
    made.rules = {
        deny_with_reset(),
        {deny_reset, {Reject{Reject::Kind::icmpx, Reject::port_unreachable}}, {}},
        {deny_icmp, {Reject{Reject::Kind::icmpx, Reject::admin_prohibited}}, {}},
        {fence_chain,
         {Meta{Meta::Key::mark, 1}, Compare{true, host_bytes(probe_mark), 1}, Verdict{Verdict::Code::back, {}}},
         "health probes"},
        fence_new(fence_chain, "new4", true, End::destination),
        fence_new(fence_chain, "new6", false, End::destination),
        pass_resets(),
        fence_all("all4", true),
        fence_all("all6", false),
        {"output", {to_fences}, {}},
        {"forward", {to_fences}, {}}};
    return made;
}

FenceTable make_host_table() {
    constexpr const char* input = "input";
    FenceTable made;
    made.table = {std::string(host_fence_table_name), "gatehouse schema=3", 0};
    made.maps = {make_map("new4", KeyType::ipv4_addr), make_map("new6", KeyType::ipv6_addr)};
    made.chains = {{deny_reset, std::nullopt},
                   {deny_icmp, std::nullopt},
                   {input, Hook{Hook::Place::input, priority, true, "filter"}}};
    made.rules = {deny_with_reset(),
                  {deny_icmp, {Reject{Reject::Kind::icmpx, Reject::admin_prohibited}}, {}},
                  fence_new(input, "new4", true, End::source),
                  fence_new(input, "new6", false, End::source)};
    return made;
}

// The order of chains has no meaning; the order of rules within a chain has.
std::vector<Rule> rules_of(const std::vector<Rule>& rules, const std::string& chain) {
    std::vector<Rule> found;
    std::copy_if(rules.begin(), rules.end(), std::back_inserter(found),
                 [&chain](const Rule& rule) { return rule.chain == chain; });
    return found;
}

const Map* find_map(std::string_view name, const FenceTable& table) {
    const auto& maps = table.maps;
    const auto found = std::find_if(maps.begin(), maps.end(), [name](const Map& map) { return map.name == name; });
    return found == maps.end() ? nullptr : &*found;
}

std::optional<Mode> mode_of(const Verdict& verdict) {
    if (verdict.code == Verdict::Code::drop) {
        return Mode::drop;
    }
    if (verdict.code == Verdict::Code::proceed) {
        return Mode::reset;
    }
    // Schema 1 expressed a reset as goto deny-reset.
    if (verdict.code != Verdict::Code::go_to) {
        return std::nullopt;
    }
    return verdict.chain == deny_reset  ? std::optional(Mode::reset)
           : verdict.chain == deny_icmp ? std::optional(Mode::icmp)
                                        : std::nullopt;
}

Verdict verdict_of(Mode mode) {
    // A goto makes the kernel check the whole map for loops, at each addition and for each hook. So the two usual modes
    // use none: after proceed, the rule itself ends in its goto.
    switch (mode) {
        case Mode::icmp:
            return {Verdict::Code::go_to, deny_icmp};
        case Mode::drop:
            return {Verdict::Code::drop, {}};
        case Mode::reset:
            break;
    }
    return {Verdict::Code::proceed, {}};
}

}  // namespace

const FenceTable& fence_table() {
    static const FenceTable made = make_table();
    return made;
}

const FenceTable& host_fence_table() {
    static const FenceTable made = make_host_table();
    return made;
}

bool has_structure(const Snapshot& snapshot, const FenceTable& wanted) {
    if (!snapshot.table || *snapshot.table != wanted.table || snapshot.maps.size() != wanted.maps.size() ||
        snapshot.chains.size() != wanted.chains.size() || snapshot.rules.size() != wanted.rules.size()) {
        return false;
    }
    const bool maps = std::all_of(snapshot.maps.begin(), snapshot.maps.end(), [&](const Contents& each) {
        const auto* map = find_map(each.map.name, wanted);
        return map != nullptr && *map == each.map;
    });
    const bool chains = std::all_of(wanted.chains.begin(), wanted.chains.end(), [&](const Chain& chain) {
        return std::find(snapshot.chains.begin(), snapshot.chains.end(), chain) != snapshot.chains.end() &&
               rules_of(snapshot.rules, chain.name) == rules_of(wanted.rules, chain.name);
    });
    return maps && chains;
}

bool carried_over(const Element& element, const Map& map) {
    const std::size_t address_size = map.key.front() == KeyType::ipv4_addr ? 4 : 16;
    return mode_of(element.verdict).has_value() && element.key.size == address_size + 8;
}

Transaction rebuild(const Snapshot& snapshot, const FenceTable& wanted) {
    Transaction transaction{wanted.table.name};
    if (snapshot.table) {
        transaction.add(RemoveTable{wanted.table.name});
    }
    transaction.add(AddTable{wanted.table});
    for (const auto& map : wanted.maps) {
        transaction.add(AddMap{map});
    }
    for (const auto& chain : wanted.chains) {
        transaction.add(AddChain{chain});
    }
    for (const auto& rule : wanted.rules) {
        transaction.add(AddRule{rule});
    }
    for (const auto& contents : snapshot.maps) {
        const auto* map = find_map(contents.map.name, wanted);
        if (map == nullptr || map->key != contents.map.key || !contents.map.verdicts) {
            continue;
        }
        std::vector<Element> kept;
        for (const auto& element : contents.elements) {
            if (carried_over(element, *map)) {
                kept.push_back(element);
                kept.back().verdict = verdict_of(*mode_of(element.verdict));
            }
        }
        if (!kept.empty()) {
            transaction.add(AddElements{*map, std::move(kept)});
        }
    }
    return transaction;
}

const Map& map_of(const core::Address& backend, Scope scope, const FenceTable& table) {
    const std::size_t index = (scope == Scope::all ? 2U : 0U) + (backend.is_v4() ? 0U : 1U);
    return table.maps.at(index);
}

Key key_of(const core::Address& backend, std::uint8_t protocol) {
    Key key;
    key.append({backend.bytes().data(), backend.is_v4() ? 4U : 16U});
    key.append({&protocol, 1});
    const std::array<std::uint8_t, 2> port{static_cast<std::uint8_t>(backend.port() >> 8),
                                           static_cast<std::uint8_t>(backend.port() & 0xff)};
    key.append(port);
    return key;
}

Element to_element(const Fence& fence, Counts counts, core::WallTime now) {
    Element element;
    element.key = key_of(fence.backend, fence.protocol);
    element.verdict = verdict_of(fence.mode);
    element.counts = counts;
    element.comment = write_note(fence);
    if (fence.until) {
        element.timeout = *fence.until - now;
    }
    return element;
}

std::optional<Fence> to_fence(const Element& element, const Map& map, core::WallTime now) {
    const auto mode = mode_of(element.verdict);
    // This table has the names of the other one's maps too.
    const auto* known = find_map(map.name, fence_table());
    const bool v4 = !map.key.empty() && map.key.front() == KeyType::ipv4_addr;
    const std::size_t address_size = v4 ? 4 : 16;
    if (!mode || known == nullptr || known->key != map.key || element.key.size != address_size + 8) {
        return std::nullopt;
    }
    sockaddr_storage storage{};
    const auto* bytes = element.key.bytes.data();
    if (v4) {
        auto& in = reinterpret_cast<sockaddr_in&>(storage);
        in.sin_family = AF_INET;
        std::memcpy(&in.sin_addr, bytes, address_size);
    } else {
        auto& in = reinterpret_cast<sockaddr_in6&>(storage);
        in.sin6_family = AF_INET6;
        std::memcpy(&in.sin6_addr, bytes, address_size);
    }
    Fence fence;
    const auto* port = bytes + address_size + 4;
    fence.backend = core::Address::from(storage).with_port(static_cast<std::uint16_t>(port[0] << 8 | port[1]));
    fence.protocol = bytes[address_size];
    fence.mode = *mode;
    fence.scope = map.name.starts_with("all") ? Scope::all : Scope::fresh;
    fence.packets = element.counts ? element.counts->packets : 0;
    fence.bytes = element.counts ? element.counts->bytes : 0;
    read_note(element.comment, fence);
    // The kernel's time decides the end. The note's time only avoids jitter of milliseconds.
    constexpr std::chrono::seconds tolerance{2};
    const auto end = element.expires ? std::optional(now + *element.expires) : std::nullopt;
    if (!end || !fence.until || std::chrono::abs(*end - *fence.until) > tolerance) {
        fence.until = end;
    }
    return fence;
}

}  // namespace netfilter
