// Fencing: orders, and how they reach store, proxy and kernel. Lifting is in control_unfence.cpp, waiting for a fence
// in control_wait.cpp, what expires in control_state.cpp, the agreement of store and kernel in control_drift.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>

#include "appliance/control/engine/control.hpp"
#include "appliance/control/model/drift.hpp"
#include "appliance/control/observe/views.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;
using Json = Control::Json;

// How long the proxy may take to notice that connections were killed, and to say so in its report.
constexpr core::Milliseconds kill_settles{1'000};

std::string make_id() {
    std::random_device random;
    return fmt::format("{:08x}", random());
}

}  // namespace

// Store, then proxy, then kernel: at no moment does the proxy send somebody to a backend that the kernel refuses, and a
// crash in between leaves an intent that is carried out at the next start. After an error nothing is left of it. A disk
// that does not take it, and a proxy that does not, hold up no fence: the proxy is told again until it has.
core::Result<Control::Unconfirmed> Control::commit_fences(Administration next,
                                                          std::span<const netfilter::Change> changes) {
    const Administration before = *state().administration;
    keeper_.keep(next);
    publish(std::move(next));
    Unconfirmed unconfirmed;
    const auto done = redirect().and_then([&] {
        if (auto told = tell_proxy(ProxyLink::answer_max); !told) {
            unconfirmed = std::move(told.error());
        }
        return helper_.apply(changes);
    });
    if (!done) {
        take_back(before, changes);
        return tl::unexpected(done.error());
    }
    follow_clock();  // it may have been set meanwhile, and the kernel have taken an end for one that is over
    return unconfirmed;
}

// Both kinds of change: a fence that was set goes, or becomes what it was; one that was lifted comes back. What was in
// the kernel when an answer was lost is not known, so the kernel is compared with the store once more afterwards.
void Control::take_back(const Administration& before, std::span<const netfilter::Change> changes) {
    std::vector<netfilter::Change> reverse;
    for (const netfilter::Change& change : changes) {
        const core::Address address = std::visit([](const auto& each) { return each.backend; }, change);
        const auto old = before.fences.find(address);
        if (const auto* fence = std::get_if<netfilter::Fence>(&change);
            fence != nullptr && (old == before.fences.end() || old->second.id != fence->id)) {
            withdrawn_.insert(fence->id);
        }
        if (old != before.fences.end()) {
            reverse.emplace_back(kernel_fence(old->second));
        } else {
            reverse.emplace_back(netfilter::Unfence{address});
        }
    }
    keeper_.keep(before);
    publish(before);
    compare_again_ = true;
    // Each by itself as far as it goes: what fails here is put right by the comparison, or when that process is started
    // again.
    const auto told = administer();
    const auto lifted = helper_.attached() && !reverse.empty() ? helper_.apply(reverse) : core::Result<void>();
    for (const auto* one : {&told, &lifted}) {
        if (!*one) {
            log("fence", {{"error", "cannot take back: " + one->error().line()}});
        }
    }
}

Outcome<Control::Installed> Control::install(const FenceOrder& order, const std::vector<Target>& targets) {
    follow_clock();  // before an end is computed: this one is of the clock as it is now
    const State now = state();
    Administration next = *now.administration;
    const core::WallTime time = wall_steps_.now();
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
        // One whose time is over is no fence any more, though it has not been taken out yet.
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
    // Before anybody who waits for one that is replaced can see that it has gone.
    for (const Claim& made : claims) {
        const auto old = now.administration->fences.find(made.record.address);
        if (old != now.administration->fences.end() && old->second.id != made.record.id) {
            expired(old->second.until, time) ? endings_.note(old->second, FenceEnd::ran_out, {}, {})
                                             : endings_.note(old->second, FenceEnd::replaced, order.who, order.why);
        }
    }
    auto done = commit_fences(std::move(next), changes);
    if (!done) {
        return refuse(std::move(done.error()));
    }
    return Installed{std::move(claims), std::move(*done)};
}

// To the log and into the answer. Returns where they stand.
std::set<core::Address> Control::tell_installed(const Installed& installed, const FenceOrder& order, Json& fences,
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
        log("fence", event);
    }
    return addresses;
}

Outcome<Json> Control::fence(const FenceOrder& order) {
    // The proxy is told all fences at once: those that only the kernel knows must be among them. A fence process that
    // is away is no reason to wait longer: it will say so itself.
    await_fences(Clock::now() + start_wait);
    std::vector<Target> targets;
    std::vector<Waited> waited;
    Json fences = Json::array();
    Json notes = Json::array();
    Unconfirmed unconfirmed;
    {
        const std::lock_guard lock(changing_);
        auto found = find_fenceable(*state().config, order.servers, order.pool);
        if (!found) {
            return tl::unexpected(std::move(found.error()));
        }
        targets = std::move(*found);
        auto installed = install(order, targets);
        if (!installed) {
            return tl::unexpected(std::move(installed.error()));
        }
        waited = waits_for(tell_installed(*installed, order, fences, notes));
        unconfirmed = std::move(installed->unconfirmed);
    }
    netfilter::Reaped reaped;
    if (order.kill) {
        auto killed = kill(order, targets);
        if (!killed) {
            return tl::unexpected(unless_ended(waited, std::move(killed.error())));
        }
        reaped = *killed;
    }
    if (unconfirmed && !order.drain) {
        if (auto confirmed = confirm_by_proxy(unconfirmed, reaped); !confirmed) {
            return tl::unexpected(unless_ended(waited, std::move(confirmed.error())));
        }
    }
    const auto patience = order.drain.value_or(order.kill ? kill_settles : core::Milliseconds{0});
    const auto drained = await_drained(waited, patience, order.drain ? unconfirmed : std::nullopt, reaped);
    if (!drained && (order.drain || drained.error().status == 409)) {
        return tl::unexpected(unless_ended(waited, drained.error()));
    }
    const auto left = drained ? std::optional<std::uint64_t>(0) : sum_in_flight(waited, report());
    Json answer{{"fences", std::move(fences)},
                {"drained", drained.has_value()},
                {"in_flight", left ? Json(*left) : Json()},
                {"notes", std::move(notes)}};
    if (order.kill) {
        answer["killed"] = {{"sockets", reaped.sockets}, {"forwarded", reaped.forwarded}};
    }
    return answer;
}

Outcome<void> Control::confirm_by_proxy(const Unconfirmed& unconfirmed, const netfilter::Reaped& reaped) {
    {
        const std::lock_guard lock(changing_);
        if (!untold_ || tell_proxy(tell_max)) {
            return {};
        }
    }
    const std::uint64_t ended = reaped.sockets + reaped.forwarded;
    return refuse(504, {"the fence holds in the kernel, but the proxy has not confirmed it",
                        fmt::format("{}; {}what it has in flight there is not known", unconfirmed->line(),
                                    ended > 0 ? fmt::format("{} connections were ended; ", ended) : std::string()),
                        "it is told again until it answers; gatehouse status shows whether it does", 0});
}

// After the fence, so that nothing new comes while the old is ended. Without changing_: nobody else's order waits.
Outcome<netfilter::Reaped> Control::kill(const FenceOrder& order, const std::vector<Target>& targets) {
    std::vector<netfilter::Destination> destinations;
    for (const Target& target : targets) {
        destinations.push_back({target.address});
    }
    auto reaped = helper_.reap(destinations);
    if (!reaped) {
        core::Error error = std::move(reaped.error());
        error.what = "the fence holds, but what is in flight goes on: " + error.what;
        return refuse(std::move(error));
    }
    log("kill", {{"servers", order.servers},
                 {"who", order.who},
                 {"why", order.why},
                 {"sockets", reaped->sockets},
                 {"forwarded", reaped->forwarded}});
    return *reaped;
}

std::string Control::fence_note(const core::Address& address) const {
    const auto administration = state().administration;
    const auto found = administration->fences.find(address);
    if (found == administration->fences.end()) {
        return {};
    }
    const FenceRecord& fence = found->second;
    return (fence.server.empty() ? address.text() : fence.server) + " is fenced by " + fence.who +
           (fence.why.empty() ? "" : ": " + fence.why);
}

}  // namespace appliance::control
