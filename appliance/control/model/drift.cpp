#include "appliance/control/model/drift.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <algorithm>
#include <iterator>

#include "appliance/control/model/fence_claim.hpp"
#include "appliance/control/model/targets.hpp"

namespace appliance::control {
namespace {

netfilter::Mode kernel_mode(config::FenceMode mode) {
    switch (mode) {
        case config::FenceMode::icmp:
            return netfilter::Mode::icmp;
        case config::FenceMode::drop:
            return netfilter::Mode::drop;
        case config::FenceMode::reset:
            break;
    }
    return netfilter::Mode::reset;
}

config::FenceMode config_mode(netfilter::Mode mode) {
    switch (mode) {
        case netfilter::Mode::icmp:
            return config::FenceMode::icmp;
        case netfilter::Mode::drop:
            return config::FenceMode::drop;
        case netfilter::Mode::reset:
            break;
    }
    return config::FenceMode::reset;
}

}  // namespace

netfilter::Fence kernel_fence(const FenceRecord& record) {
    netfilter::Fence fence;
    fence.backend = record.address;
    fence.mode = kernel_mode(record.mode);
    fence.scope = record.scope;
    fence.id = record.id;
    fence.who = record.who;
    fence.why = record.why;
    fence.since = record.since;
    fence.until = record.until;
    return fence;
}

FenceRecord adopt(const config::Config& config, const netfilter::Fence& found) {
    FenceRecord record{found.backend, "", "", config_mode(found.mode), found.id, found.who, found.why, found.since,
                       found.until, found.scope,
                       // The kernel counts what is left by itself, whatever the wall clock is set to.
                       found.until ? std::optional(*found.until - found.since) : std::nullopt, std::nullopt};
    if (const auto target = backend_at(config, found.backend)) {
        record.server = target->server;
        record.pool = target->pool;
    }
    return record;
}

void know_owner(FenceRecord& fence, const Administration& stored) {
    if (const auto lifted = stored.lifted.find(fence.id); lifted != stored.lifted.end()) {
        fence.rollout = lifted->second.rollout;
        fence.others = lifted->second.others;
    }
    for (const auto& [address, record] : stored.fences) {
        if (record.id == fence.id) {
            fence.rollout = record.rollout;
            fence.others = record.others;
        }
    }
}

bool agrees(const FenceRecord& record, const netfilter::Fence& found) {
    const netfilter::Fence wanted = netfilter::as_stored(kernel_fence(record));
    // The kernel counts the time left by a clock of its own. The note's end follows the wall clock a moment later.
    constexpr std::chrono::seconds tolerance{2};
    const bool same_end = wanted.until.has_value() == found.until.has_value() &&
                          (!wanted.until || std::chrono::abs(*wanted.until - *found.until) <= tolerance);
    return wanted.mode == found.mode && wanted.scope == found.scope && wanted.id == found.id && same_end;
}

bool may_be_ours(const netfilter::Fence& found) {
    return found.protocol == IPPROTO_TCP;
}

bool expired(const std::optional<core::WallTime>& until, core::WallTime now) {
    return until && *until <= now;
}

std::string Differing::text() const {
    std::string text;
    const auto say = [&text](std::size_t count, const char* what) {
        if (count > 0) {
            text += fmt::format("{}{} {} {}", text.empty() ? "" : ", ", count, count == 1 ? "fence" : "fences", what);
        }
    };
    say(missing, "missing");
    say(altered, "altered");
    say(stale, "left over");
    say(added, "added");
    return text;
}

namespace {

// Under one id a fence only becomes stricter (see claim): of two the stricter is the newer.
void keep_newer(const config::Config& config, std::span<const netfilter::Fence> kernel,
                std::map<core::Address, FenceRecord>& fences) {
    for (const netfilter::Fence& found : kernel) {
        const auto record = fences.find(found.backend);
        if (record != fences.end() && may_be_ours(found) && record->second.id == found.id &&
            !agrees(record->second, found)) {
            keep_stricter(record->second, adopt(config, found));
        }
    }
}

// Each fence has an id of its own. A second one under it remained when a reload moved the server and could not take it
// out.
std::set<core::Address> left_behind(const config::Config& config, std::span<const netfilter::Fence> kernel,
                                    const std::map<core::Address, FenceRecord>& fences) {
    std::map<std::string, std::set<core::Address>> places;
    for (const auto& [address, record] : fences) {
        if (!record.id.empty()) {
            places[record.id].insert(address);
        }
    }
    for (const netfilter::Fence& found : kernel) {
        if (may_be_ours(found) && !found.id.empty()) {
            places[found.id].insert(found.backend);
        }
    }
    std::set<core::Address> left;
    for (const auto& [id, addresses] : places) {
        std::set<core::Address> without_server;
        std::copy_if(addresses.begin(), addresses.end(), std::inserter(without_server, without_server.end()),
                     [&config](const core::Address& address) { return !backend_at(config, address); });
        if (without_server.size() < addresses.size()) {
            left.merge(without_server);
        }
    }
    return left;
}

}  // namespace

Drift find_drift(const config::Config& config, const Administration& administration,
                 const std::set<std::string>& withdrawn, std::span<const netfilter::Fence> kernel, core::WallTime now,
                 Trust trust) {
    Drift drift{administration, {}, {}, {}};
    auto& wanted = drift.wanted.fences;
    drift.wanted.lifted.clear();
    if (trust == Trust::kernel) {
        keep_newer(config, kernel, wanted);
    }
    const std::set<core::Address> left = left_behind(config, kernel, wanted);
    std::erase_if(wanted,
                  [&](const auto& entry) { return expired(entry.second.until, now) || left.contains(entry.first); });
    std::set<core::Address> seen;
    std::set<core::Address> wrong;
    for (const netfilter::Fence& found : kernel) {
        if (!may_be_ours(found)) {
            continue;
        }
        const auto record = wanted.find(found.backend);
        const auto stored = administration.fences.find(found.backend);
        const bool known = stored != administration.fences.end();
        const bool another = known && trust == Trust::kernel && stored->second.id != found.id;
        if (record == wanted.end() &&
            (withdrawn.contains(found.id) || (known && !another) || left.contains(found.backend))) {
            drift.changes.emplace_back(netfilter::Unfence{found.backend});
            ++drift.differing.stale;
            continue;
        }
        if (record == wanted.end() || another) {
            FenceRecord adopted = adopt(config, found);
            know_owner(adopted, administration);
            wanted[found.backend] = std::move(adopted);
            drift.adopted.push_back(found);
            ++drift.differing.added;
        } else if (!agrees(record->second, found)) {
            wrong.insert(found.backend);
        }
        seen.insert(found.backend);
    }
    for (const auto& [address, record] : wanted) {
        drift.differing.missing += seen.contains(address) ? 0 : 1;
        drift.differing.altered += wrong.contains(address) ? 1 : 0;
        if (!seen.contains(address) || wrong.contains(address)) {
            drift.changes.emplace_back(kernel_fence(record));
        }
    }
    return drift;
}

}  // namespace appliance::control
