// What control's messages to the proxy say, as the values that the data plane takes. The messages are untrusted:
// docs/internals/processes.md, "Messages are untrusted".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "appliance/link/channel.hpp"
#include "core/health/monitor.hpp"
#include "core/proxy/server/server.hpp"

namespace appliance::boot {

// A "configure" message.
struct ConfigureOrder {
    unsigned workers = 1;
    core::proxy::SnapshotRef snapshot;
    std::vector<core::proxy::Server::ListenerSockets> sockets;  // one entry for each listener of the snapshot
    std::vector<core::health::Target> targets;
    std::vector<core::base::Descriptor> probe_sockets;
    core::health::Recall recall = core::health::Recall::removed;
    std::vector<core::proxy::Administration::Fence> fences;  // under the names of the snapshot
};

// An "administer" message. What is not known is not "none": without fences_known a server that is not named may be
// fenced (control has not read the kernel's yet), without state_known the page or a weight may stand there, and a fence
// too (control could not read the state folder).
struct AdministerOrder {
    core::proxy::Administration administration;
    bool fences_known = true;
    bool state_known = true;
};
struct ReportOrder {};
struct RefusalsOrder {};
struct DrainOrder {
    core::Milliseconds deadline{0};
    core::proxy::Worker::Idle idle = core::proxy::Worker::Idle::end;
};
using ProxyOrder = std::variant<ConfigureOrder, AdministerOrder, ReportOrder, RefusalsOrder, DrainOrder>;

// The one decoder of what control sends to the proxy. What it returns keeps to what the data plane relies on: numbers
// within the configuration's bounds, names that are there. Error: control would never send that. Never throws.
core::Result<ProxyOrder> decode_order(link::Message message);

// What the monitor says of the targets of a "configure" message, in the order of its snapshot.
core::proxy::Findings findings_of(const core::proxy::Snapshot& snapshot,
                                  const std::vector<core::health::Health>& health);

// What holds from that order on, where before held until it: what it does not know about stays as it was.
core::proxy::Administration complete(AdministerOrder order, const core::proxy::Administration& before);

// Of messages that waited together, in their order: those that a later one makes meaningless, because an "administer"
// that knows all says all of it anew. Carried out one by one after a pause, they would open for a moment what is
// fenced.
std::vector<bool> find_outdated(std::span<const link::Message> messages);
[[nodiscard]] bool administers(const link::Message& message);
// checks_not_made: for want of something of our own, since the start.
nlohmann::json write_report(const core::proxy::WorkerReport& report, const core::proxy::Snapshot& snapshot,
                            const std::vector<core::health::Standing>& standings, std::uint64_t checks_not_made);
nlohmann::json write_refusals(const std::vector<core::proxy::Refusal>& refusals);
std::string_view print(core::health::Health health) noexcept;

}  // namespace appliance::boot
