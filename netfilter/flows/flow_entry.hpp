// Flow entries: what connection tracking (ctnetlink) knows about flows with a backend that only pass through this
// machine, and the order to forget them. Pure: bytes in, bytes out; flow_reaper.cpp sends them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/address.hpp"
#include "netfilter/netlink/socket.hpp"

namespace netfilter {

// The two ends of one direction of a flow.
struct FlowEnds {
    core::Address from;
    core::Address to;
    std::uint8_t protocol = 0;
};

struct FlowEntry {
    FlowEnds there;               // as the first packet went
    FlowEnds back;                // as answers come: from the real backend, whatever address the client spoke to
    bool ended = false;           // a TCP connection that was closed or reset; the entry lingers for a while
    std::vector<std::byte> name;  // the attributes by which the kernel finds exactly this entry again
};

// Which end of an entry the backend is. Normally it answers; where tracking began in the middle of a connection, its
// packet may have been the first that was seen.
enum class FlowRole : std::uint8_t { answers, begins };

// Asks for entries with the backend in that role. The answer may hold others too: compare.
[[nodiscard]] std::vector<std::byte> encode_entry_dump(const core::Address& backend, std::uint8_t protocol,
                                                       FlowRole role, std::uint32_t sequence);

// Nothing for another kind of message, or one without both directions, or with more than the kernel puts into them.
[[nodiscard]] std::optional<FlowEntry> decode_entry(const Message& message);

// Forgets these entries: the next packet of such a flow counts as the first of a new one, and meets the fence. (Where
// the system was told to take no flow up in its middle, nf_conntrack_tcp_loose=0, it counts as invalid instead.)
// Only failures are answered.
[[nodiscard]] std::vector<std::byte> encode_forget(std::span<const FlowEntry> entries, std::uint32_t sequence);

}  // namespace netfilter
