// The properties of the decoders of netlink answers, for any bytes: no access to foreign memory, no abort, no control
// bytes for a terminal. And no order reaches further than what was found.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "netfilter/firewall/host_table.hpp"
#include "netfilter/flows/flow_entry.hpp"
#include "netfilter/flows/flow_socket.hpp"
#include "netfilter/netlink/attribute.hpp"
#include "netfilter/nft/commit.hpp"
#include "netfilter/nft/decode.hpp"
#include "netfilter/nft/monitor.hpp"
#include "netfilter/protocol/helper_protocol.hpp"
#include "netfilter/protocol/notice.hpp"
#include "tests/fuzz/netlink_seeds.hpp"

namespace netfilter::fuzz {

// Each check returns the property that does not hold, or an empty text.

inline bool harmless(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return (byte >= ' ' && byte != 0x7f) || c == '\n' || c == '\t';
    });
}

// As take_snapshot would collect them, from one buffer in place of five answers.
inline Snapshot collect(const Replies& replies, std::string_view table) {
    Snapshot snapshot;
    for (const auto& message : replies.messages()) {
        if (auto found = decode_table(message, table)) {
            snapshot.table = std::move(found);
        }
        if (auto found = decode_chain(message, table)) {
            snapshot.chains.push_back(std::move(*found));
        }
        if (auto found = decode_rule(message, table)) {
            snapshot.rules.push_back(std::move(*found));
        }
        if (auto found = decode_map(message, table)) {
            snapshot.maps.push_back({std::move(*found), {}});
        }
        std::vector<Element> elements;
        if (decode_elements(message, elements)) {
            if (snapshot.maps.empty()) {
                snapshot.maps.push_back({fence_table().maps.front(), {}});
            }
            auto& held = snapshot.maps.back().elements;
            held.insert(held.end(), elements.begin(), elements.end());
        }
        static_cast<void>(decode_generation(message));
        static_cast<void>(message_generation(message));
    }
    return snapshot;
}

// Found fences are sent to control in packets of fixed size.
inline std::string_view check_fences(const Snapshot& snapshot) {
    for (const auto& contents : snapshot.maps) {
        for (const auto& element : contents.elements) {
            const auto found = to_fence(element, contents.map, core::WallTime());
            if (!found) {
                continue;
            }
            const auto carried = wire::unpack(wire::pack(*found));
            if (!carried || !std::holds_alternative<Fence>(*carried)) {
                return "a fence that was found cannot be told to control";
            }
            auto expected = as_stored(*found);
            expected.since = found->since;
            expected.until = found->until;
            expected.packets = found->packets;
            expected.bytes = found->bytes;
            if (std::get<Fence>(*carried) != expected) {
                return "control is told of another fence than the one that was found";
            }
        }
    }
    return {};
}

inline std::string_view check_nftables(std::span<const std::byte> bytes) {
    const Replies replies{{bytes.begin(), bytes.end()}, false};
    for (const auto table : {fence_table_name, host_table_name}) {
        const auto snapshot = collect(replies, table);
        if (!harmless(snapshot.text())) {
            return "the text of a table holds a control character";
        }
        if (const auto trouble = check_fences(snapshot); !trouble.empty()) {
            return trouble;
        }
        // A table in any state can be repaired: the transaction for it can be encoded.
        if (encode(rebuild(snapshot), {}).bytes.empty()) {
            return "a table in this state cannot be made anew";
        }
        static_cast<void>(has_structure(snapshot));
        static_cast<void>(holds(snapshot, {}));
        static_cast<void>(drops_in(snapshot));
    }
    Transaction transaction{std::string(fence_table_name)};
    transaction.add(AddTable{fence_table().table});
    const auto batch = encode(transaction, {.end_ack = true});
    static_cast<void>(judge(transaction, batch, replies).error("cannot"));
    return {};
}

inline std::string_view check_monitor(std::span<const std::byte> bytes) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        return "no socket pair";
    }
    const core::base::Descriptor far(ends[1]);
    Monitor monitor(core::base::Descriptor(ends[0]), fence_table_name, 1, 2);
    auto now = Monitor::Clock::time_point() + std::chrono::hours(1);
    static_cast<void>(monitor.take(now));
    for (int round = 0; round < 3; ++round) {
        static_cast<void>(send(far.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL));
        monitor.read(now);
        now += Monitor::audit_step;
        const auto told = monitor.take(now);
        if (told && !wire::unpack(wire::pack(Notice{told->process, told->pid, told->generation, {}, {}}))) {
            return "what was seen cannot be told to control";
        }
        if (monitor.take(now)) {
            return "a change was told twice";
        }
    }
    return {};
}

inline std::string_view check_flows(std::span<const std::byte> bytes) {
    const Replies replies{{bytes.begin(), bytes.end()}, false};
    std::vector<FlowSocket> sockets;
    std::vector<FlowEntry> entries;
    for (const auto& message : replies.messages()) {
        if (auto found = decode_socket(message)) {
            sockets.push_back(*found);
        }
        if (auto found = decode_entry(message)) {
            entries.push_back(std::move(*found));
        }
    }
    const Replies ends{encode_destroy(sockets, IPPROTO_TCP, 1), false};
    if (ends.messages().size() != sockets.size()) {
        return "not one order for each socket";
    }
    const Replies orders{encode_forget(entries, 1), false};
    if (orders.messages().size() != entries.size()) {
        return "not one order for each entry";
    }
    for (const auto& order : orders.messages()) {
        const auto tuple = find_attribute(order.bytes.subspan(sizeof(nlmsghdr) + sizeof(nfgenmsg)), CTA_TUPLE_ORIG);
        if (!tuple || tuple->empty()) {
            return "an order that forgets every flow of the machine";
        }
    }
    const auto ended = judge_destroy(replies, 3);
    return ended && *ended > 3 ? "more sockets were ended than there were" : "";
}

}  // namespace netfilter::fuzz
