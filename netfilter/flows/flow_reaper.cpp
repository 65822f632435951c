#include "netfilter/flows/flow_reaper.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <set>
#include <utility>

#include "netfilter/model/fence.hpp"
#include "netfilter/netlink/uapi.hpp"

namespace netfilter {
namespace {

// Two suffice: one ends the flows, one finds none. The others are for handshakes that were in progress when the fence
// came.
constexpr int rounds_max = 8;

template <typename Item, typename Decode>
core::Result<std::vector<Item>> read_dump(const core::Result<Replies>& replies, const char* what, Decode decode) {
    if (!replies) {
        return tl::unexpected(replies.error());
    }
    if (replies->overrun) {
        return core::fail(what, "the kernel's answer was cut short");
    }
    std::vector<Item> found;
    for (const auto& message : replies->messages()) {
        if (const auto ack = read_ack(message); ack && ack->os_error != 0) {
            return core::fail_os(what, ack->os_error);
        }
        if (auto item = decode(message)) {
            found.push_back(std::move(*item));
        }
    }
    return found;
}

bool concerns(const FlowEntry& entry, const Destination& destination) {
    return entry.there.protocol == destination.protocol && !entry.ended &&
           (entry.back.from == destination.backend || entry.there.from == destination.backend);
}

}  // namespace

core::Result<FlowReaper> FlowReaper::open() {
    auto diag = Socket::open(NETLINK_SOCK_DIAG);
    if (!diag) {
        return tl::unexpected(diag.error());
    }
    // A socket of its own, so that these requests never delay a fence's answer.
    auto tracking = Socket::open();
    if (!tracking) {
        return tl::unexpected(tracking.error());
    }
    return FlowReaper(std::move(*diag), std::move(*tracking));
}

FlowReaper::FlowReaper(Socket diag, Socket tracking) : diag_(std::move(diag)), tracking_(std::move(tracking)) {}

core::Result<Reaped> FlowReaper::reap(const Destination& destination) {
    Reaped reaped;
    for (int round = 0; round < rounds_max; ++round) {
        // Entries before sockets: a probe with an entry now still has its socket in the later read, or has ended.
        auto entries = read_entries(destination);
        if (!entries) {
            return tl::unexpected(entries.error());
        }
        auto sockets = read_sockets(destination);
        if (!sockets) {
            return tl::unexpected(sockets.error());
        }
        std::set<core::Address> probes;
        std::set<core::Address> ours;
        for (const auto& socket : *sockets) {
            (socket.mark == probe_mark ? probes : ours).insert(socket.local);
        }
        const auto has = [](const std::set<core::Address>& all, const FlowEntry& entry) {
            return all.contains(entry.there.from) || all.contains(entry.there.to);
        };
        std::erase_if(*sockets, [](const FlowSocket& socket) { return socket.mark == probe_mark; });
        std::erase_if(*entries, [&](const FlowEntry& entry) { return has(probes, entry); });
        if (sockets->empty() && entries->empty()) {
            return reaped;
        }
        // Sockets first: their resets must leave while their flows are known.
        const auto ended = end_sockets(*sockets, destination.protocol);
        if (!ended) {
            return tl::unexpected(ended.error());
        }
        if (auto done = forget(*entries); !done) {
            return tl::unexpected(done.error());
        }
        reaped.sockets += *ended;
        reaped.forwarded += static_cast<std::uint64_t>(
            std::count_if(entries->begin(), entries->end(), [&](const FlowEntry& entry) { return !has(ours, entry); }));
    }
    return core::fail(fmt::format("cannot end the connections to {}", destination.backend.text()),
                      "new ones keep coming", "see whether its fence stands: gatehouse rules");
}

core::Result<std::vector<FlowSocket>> FlowReaper::read_sockets(const Destination& destination) {
    std::vector<FlowSocket> all;
    for (const int family : {AF_INET, AF_INET6}) {
        if (family == AF_INET && !destination.backend.is_v4()) {
            continue;
        }
        const auto bytes =
            encode_socket_dump(destination.backend, destination.protocol, family, diag_.take_sequences(1));
        auto found =
            read_dump<FlowSocket>(diag_.exchange(bytes), "cannot look for established connections", decode_socket);
        // A kernel without IPv6 has no such sockets.
        if (!found && family == AF_INET6 && destination.backend.is_v4() && found.error().os_error == ENOENT) {
            continue;
        }
        if (!found) {
            return found;
        }
        std::copy_if(found->begin(), found->end(), std::back_inserter(all),
                     [&](const FlowSocket& socket) { return socket.remote == destination.backend; });
    }
    return all;
}

core::Result<std::vector<FlowEntry>> FlowReaper::read_entries(const Destination& destination) {
    std::vector<FlowEntry> all;
    for (const auto role : {FlowRole::answers, FlowRole::begins}) {
        const auto found = read_entries(destination, role);
        if (!found) {
            return found;
        }
        all.insert(all.end(), found->begin(), found->end());
    }
    return all;
}

core::Result<std::vector<FlowEntry>> FlowReaper::read_entries(const Destination& destination, FlowRole role) {
    const auto bytes = encode_entry_dump(destination.backend, destination.protocol, role, tracking_.take_sequences(1));
    return read_dump<FlowEntry>(tracking_.exchange(bytes), "cannot look for tracked flows", decode_entry)
        .map([&destination](std::vector<FlowEntry> found) {
            // Compares again, whatever the kernel's filter returned: other flows must not be ended.
            std::erase_if(found, [&](const FlowEntry& entry) { return !concerns(entry, destination); });
            return found;
        });
}

// The client of a redirected flow used another address than the one that answers.
core::Result<std::uint64_t> FlowReaper::count_redirected(const Destination& destination) {
    return read_entries(destination, FlowRole::answers).map([&destination](const std::vector<FlowEntry>& found) {
        return static_cast<std::uint64_t>(std::count_if(found.begin(), found.end(), [&](const FlowEntry& entry) {
            return entry.back.from == destination.backend && entry.there.to != destination.backend;
        }));
    });
}

core::Result<std::size_t> FlowReaper::end_sockets(std::span<const FlowSocket> sockets, std::uint8_t protocol) {
    if (sockets.empty()) {
        return 0;
    }
    const auto sequence = diag_.take_sequences(static_cast<std::uint32_t>(sockets.size()));
    const auto replies = diag_.exchange(encode_destroy(sockets, protocol, sequence));
    if (!replies) {
        return tl::unexpected(replies.error());
    }
    return judge_destroy(*replies, sockets.size());
}

core::Result<void> FlowReaper::forget(std::span<const FlowEntry> entries) {
    if (entries.empty()) {
        return {};
    }
    const auto sequence = tracking_.take_sequences(static_cast<std::uint32_t>(entries.size()));
    const auto replies = tracking_.exchange(encode_forget(entries, sequence));
    if (!replies) {
        return tl::unexpected(replies.error());
    }
    for (const auto& message : replies->messages()) {
        const auto ack = read_ack(message);
        if (ack && ack->os_error != 0 && ack->os_error != ENOENT) {
            return core::fail_os("cannot end forwarded flows", ack->os_error,
                                 ack->os_error == EPERM ? "give the process CAP_NET_ADMIN" : "");
        }
    }
    return {};
}

}  // namespace netfilter
