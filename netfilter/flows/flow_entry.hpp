// Flow entries: flows with a backend through this machine, as connection tracking (ctnetlink) knows them, and the
// message to forget them. Pure: bytes in, bytes out; flow_reaper.cpp sends them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/address.hpp"
#include "netfilter/netlink/socket.hpp"

namespace netfilter {

// The two ends of a flow in one direction.
struct FlowEnds {
    core::Address from;
    core::Address to;
    std::uint8_t protocol = 0;
};

struct FlowEntry {
    FlowEnds there;               // the direction of the first packet
    FlowEnds back;                // the direction of answers: from the real backend, whatever address the client used
    bool ended = false;           // a TCP connection that was closed or reset; its entry stays for a while
    std::vector<std::byte> name;  // the attributes by which the kernel finds exactly this entry again
};

// Which end of an entry the backend is. Normally it answers. When tracking began in the middle of a connection, its
// packet may have been the first one seen.
enum class FlowRole : std::uint8_t { answers, begins };

// Requests entries with the backend in that role. The answer may hold other entries too: compare.
[[nodiscard]] std::vector<std::byte> encode_entry_dump(const core::Address& backend, std::uint8_t protocol,
                                                       FlowRole role, std::uint32_t sequence);

// Empty for another kind of message, or one that lacks a direction or holds more than the kernel puts into it.
[[nodiscard]] std::optional<FlowEntry> decode_entry(const Message& message);

// Deletes these entries. The next packet of such a flow counts as the first of a new one, and meets the fence. (With
// nf_conntrack_tcp_loose=0 it counts as invalid instead.) Only failures are answered.
[[nodiscard]] std::vector<std::byte> encode_forget(std::span<const FlowEntry> entries, std::uint32_t sequence);

}  // namespace netfilter
