// Valid netlink messages, for the fuzz targets and tests/netfilter/hostile_bytes_test.cpp to break. libnftnl is not
// instrumented, so random bytes alone would not get past the outer attributes.
#pragma once

#include <linux/inet_diag.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/sock_diag.h>

#include <cstring>
#include <random>
#include <string_view>
#include <vector>

#include "netfilter/fence/fence_table.hpp"
#include "netfilter/firewall/host_table.hpp"
#include "netfilter/netlink/uapi.hpp"
#include "netfilter/nft/encode.hpp"

namespace netfilter::fuzz {

using Bytes = std::vector<std::byte>;

inline void append(Bytes& out, const void* data, std::size_t size) {
    const auto* start = static_cast<const std::byte*>(data);
    out.insert(out.end(), start, start + size);
    out.resize(NLA_ALIGN(out.size()));
}

inline Bytes attribute(std::uint16_t type, const void* data, std::size_t size) {
    const nlattr header{static_cast<std::uint16_t>(sizeof header + size), type};
    Bytes out;
    append(out, &header, sizeof header);
    append(out, data, size);
    return out;
}

inline Bytes attribute(std::uint16_t type, const Bytes& inner) {
    return attribute(static_cast<std::uint16_t>(type | NLA_F_NESTED), inner.data(), inner.size());
}

inline Bytes message(int type, std::uint32_t sender, const void* head, std::size_t head_size, const Bytes& attributes) {
    const nlmsghdr header{static_cast<std::uint32_t>(sizeof header + head_size + attributes.size()),
                          static_cast<std::uint16_t>(type), 0, 1, sender};
    Bytes out;
    append(out, &header, sizeof header);
    append(out, head, head_size);
    append(out, attributes.data(), attributes.size());
    return out;
}

inline Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

inline Fence seed_fence(std::string_view backend) {
    Fence fence;
    fence.backend = *core::Address::parse(backend);
    fence.id = "7f3a";
    fence.who = "ann";
    fence.why = "deploy v42";
    fence.since = core::WallTime(std::chrono::hours(400'000));
    fence.until = fence.since + std::chrono::hours(1);
    return fence;
}

// A batch that makes both tables. Its messages equal those of the dumps that would list them.
inline Bytes seed_tables() {
    Snapshot snapshot;
    for (const auto* backend : {"10.0.0.1:80", "[fd00::1]:443"}) {
        const auto fence = seed_fence(backend);
        snapshot.maps.push_back({map_of(fence.backend, Scope::fresh), {to_element(fence, {1, 60}, fence.since)}});
    }
    HostRules rules{{80, 443}, {22}, {*core::Network::parse("10.0.0.0/8"), *core::Network::parse("fd00::/8")},
                    100,       {},   {5222}};
    rules.new_per_source = {10, 1};
    return encode(rebuild(snapshot), {}).bytes + encode(host_table(rules), {}).bytes;
}

// seed_tables() has a large tail; this is the small part with fences.
inline Bytes seed_elements() {
    const auto fence = seed_fence("10.0.0.1:80");
    Transaction transaction{std::string(fence_table_name)};
    transaction.add(AddTable{fence_table().table});
    transaction.add(AddMap{map_of(fence.backend, Scope::fresh)});
    transaction.add(AddElements{map_of(fence.backend, Scope::fresh), {to_element(fence, {1, 60}, fence.since)}});
    return encode(transaction, {}).bytes;
}

// Another program's commit, as the kernel announces it.
inline Bytes seed_announcement() {
    const nfgenmsg general{AF_UNSPEC, NFNETLINK_V0, 0};
    const std::uint32_t number = htonl(7);
    const auto attributes = attribute(NFTA_GEN_ID, &number, sizeof number) +
                            attribute(NFTA_GEN_PROC_PID, &number, sizeof number) +
                            attribute(NFTA_GEN_PROC_NAME, "nft", 4);
    return seed_elements() +
           message(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN, 99, &general, sizeof general, attributes);
}

inline Bytes seed_tuple() {
    const std::uint32_t address = htonl(0x0a000001);
    const std::uint16_t port = htons(80);
    const std::uint8_t protocol = IPPROTO_TCP;
    const auto ip =
        attribute(CTA_IP_V4_SRC, &address, sizeof address) + attribute(CTA_IP_V4_DST, &address, sizeof address);
    const auto transport = attribute(CTA_PROTO_NUM, &protocol, sizeof protocol) +
                           attribute(CTA_PROTO_SRC_PORT, &port, sizeof port) +
                           attribute(CTA_PROTO_DST_PORT, &port, sizeof port);
    return attribute(CTA_TUPLE_IP, ip) + attribute(CTA_TUPLE_PROTO, transport);
}

// A socket of sock_diag and an entry of ctnetlink.
inline Bytes seed_flows() {
    inet_diag_msg found{};
    found.idiag_family = AF_INET;
    const std::uint32_t mark = 1;
    const nfgenmsg general{AF_INET, NFNETLINK_V0, 0};
    const std::uint8_t state = 3;
    const auto tcp = attribute(CTA_PROTOINFO_TCP, attribute(CTA_PROTOINFO_TCP_STATE, &state, sizeof state));
    const auto entry = attribute(CTA_TUPLE_ORIG, seed_tuple()) + attribute(CTA_TUPLE_REPLY, seed_tuple()) +
                       attribute(CTA_PROTOINFO, tcp) + attribute(CTA_ID, &mark, sizeof mark);
    return message(SOCK_DIAG_BY_FAMILY, 0, &found, sizeof found, attribute(INET_DIAG_MARK, &mark, sizeof mark)) +
           message(NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW, 0, &general, sizeof general, entry);
}

}  // namespace netfilter::fuzz
