#include "appliance/control/orders/fences.hpp"

#include <fmt/format.h>

#include <random>
#include <utility>

#include "appliance/control/model/drift.hpp"
#include "appliance/control/observe/views.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

// How long the proxy may take to notice that connections were killed, and to say so in its report.
constexpr core::Milliseconds kill_settles{1'000};

std::string make_id() {
    std::random_device random;
    return fmt::format("{:08x}", random());
}

}  // namespace

Outcome<Fences::Installed> Fences::install(const FenceOrder& order, const std::vector<Target>& targets) {
    commits_.follow_clock();  // before an end is computed: this one is of the clock as it is now
    const Wanted now = shared_.wanted();
    Administration next = *now.administration;
    const core::WallTime time = shared_.wall_steps.now();
    std::vector<Claim> claims;
    std::vector<netfilter::Change> changes;
    for (const Target& target : targets) {
        FenceRecord record{target.address, target.server,
                           target.pool,    order.mode.value_or(now.config->fence_mode),
                           make_id(),      order.who,
                           order.why,      time,
                           std::nullopt,   order.kill ? netfilter::Scope::all : order.scope,
                           order.lasts,    order.rollout};
        if (order.lasts) {
            record.until = time + *order.lasts;
        }
        Claim made{std::move(record), std::nullopt};
        // An expired fence is no fence any more, though it has not been taken out yet.
        if (const auto old = now.administration->fences.find(target.address);
            old != now.administration->fences.end() && !expired(old->second.until, time)) {
            auto claimed = claim(std::move(made.record), old->second, order.replace);
            if (!claimed) {
                return tl::unexpected(std::move(claimed.error()));
            }
            made = std::move(*claimed);
        }
        next.fences[target.address] = made.record;
        changes.emplace_back(kernel_fence(made.record));
        claims.push_back(std::move(made));
    }
    // Before an order that waits for one that is replaced can see that it has gone.
    for (const Claim& made : claims) {
        const auto old = now.administration->fences.find(made.record.address);
        if (old != now.administration->fences.end() && old->second.id != made.record.id) {
            expired(old->second.until, time)
                ? shared_.endings.note(old->second, FenceEnd::ran_out, {}, {})
                : shared_.endings.note(old->second, FenceEnd::replaced, order.who, order.why);
        }
    }
    auto done = commits_.commit(std::move(next), changes);
    if (!done) {
        return refuse(std::move(done.error()));
    }
    return Installed{std::move(claims), std::move(*done)};
}

// To the log and into the answer. Returns where they stand.
std::set<core::Address> Fences::tell_installed(const Installed& installed, const FenceOrder& order, Json& fences,
                                               Json& notes) {
    std::set<core::Address> addresses;
    for (const Claim& made : installed.claims) {
        addresses.insert(made.record.address);
        fences.push_back(view_fence(&made.record, nullptr));
        Json event = fences.back();
        if (made.note) {
            notes.push_back(*made.note);
            event["note"] = *made.note;
            event["ordered_by"] = order.who;
        }
        if (installed.unconfirmed) {
            event["unconfirmed"] = installed.unconfirmed->line();
        }
        shared_.log("fence", event);
    }
    return addresses;
}

Outcome<Json> Fences::fence(const FenceOrder& order) {
    // The proxy is told all fences at once: those that only the kernel knows must be among them. A fence process that
    // is away is no reason to wait longer: it will say so itself.
    shared_.await_fences(Clock::now() + ControlState::start_wait);
    std::vector<Target> targets;
    std::vector<Waited> waited;
    Json fences = Json::array();
    Json notes = Json::array();
    Unconfirmed unconfirmed;
    {
        const std::lock_guard lock(shared_.changing);
        auto found = find_fenceable(*shared_.wanted().config, order.servers, order.pool);
        if (!found) {
            return tl::unexpected(std::move(found.error()));
        }
        targets = std::move(*found);
        auto installed = install(order, targets);
        if (!installed) {
            return tl::unexpected(std::move(installed.error()));
        }
        waited = waits_.waits_for(tell_installed(*installed, order, fences, notes));
        unconfirmed = std::move(installed->unconfirmed);
    }
    netfilter::Reaped reaped;
    if (order.kill) {
        auto killed = kill(order, targets);
        if (!killed) {
            return tl::unexpected(waits_.unless_ended(waited, std::move(killed.error())));
        }
        reaped = *killed;
    }
    if (unconfirmed && !order.drain) {
        if (auto confirmed = waits_.confirm_by_proxy(unconfirmed, reaped); !confirmed) {
            return tl::unexpected(waits_.unless_ended(waited, std::move(confirmed.error())));
        }
    }
    const auto patience = order.drain.value_or(order.kill ? kill_settles : core::Milliseconds{0});
    const auto drained = waits_.await_drained(waited, patience, order.drain ? unconfirmed : std::nullopt, reaped);
    if (!drained && (order.drain || drained.error().status == 409)) {
        return tl::unexpected(waits_.unless_ended(waited, drained.error()));
    }
    const auto left = drained ? std::optional<std::uint64_t>(0) : waits_.sum_in_flight(waited, shared_.report());
    Json answer{{"fences", std::move(fences)},
                {"drained", drained.has_value()},
                {"in_flight", left ? Json(*left) : Json()},
                {"notes", std::move(notes)}};
    if (order.kill) {
        answer["killed"] = {{"sockets", reaped.sockets}, {"forwarded", reaped.forwarded}};
    }
    return answer;
}

// After the fence, so that nothing new comes while the old is ended. Without ControlState::changing: no other order
// waits.
Outcome<netfilter::Reaped> Fences::kill(const FenceOrder& order, const std::vector<Target>& targets) {
    std::vector<netfilter::Destination> destinations;
    for (const Target& target : targets) {
        destinations.push_back({target.address});
    }
    auto reaped = shared_.helper.reap(destinations);
    if (!reaped) {
        core::Error error = std::move(reaped.error());
        error.what = "the fence holds, but what is in flight goes on: " + error.what;
        return refuse(std::move(error));
    }
    shared_.log("kill", {{"servers", order.servers},
                         {"who", order.who},
                         {"why", order.why},
                         {"sockets", reaped->sockets},
                         {"forwarded", reaped->forwarded}});
    return *reaped;
}

std::string Fences::note_at(const core::Address& address) const {
    const auto administration = shared_.wanted().administration;
    const auto found = administration->fences.find(address);
    if (found == administration->fences.end()) {
        return {};
    }
    const FenceRecord& fence = found->second;
    return (fence.server.empty() ? address.text() : fence.server) + " is fenced by " + fence.who +
           (fence.why.empty() ? "" : ": " + fence.why);
}

}  // namespace appliance::control
