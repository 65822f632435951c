// Fencing: orders, and what expires. The agreement of store and kernel is in control_drift.cpp.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "appliance/control/control.hpp"
#include "appliance/control/drift.hpp"
#include "appliance/control/views.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;
using Json = Control::Json;

constexpr core::Milliseconds poll_step{20};
// How long the proxy may take to notice that connections were killed, and to say so in its report.
constexpr core::Milliseconds kill_settles{1'000};

std::string make_id() {
    std::random_device random;
    return fmt::format("{:08x}", random());
}

}  // namespace

// Store, then proxy, then kernel: at no moment does the proxy send somebody to a backend that the kernel refuses, and a
// crash in between leaves an intent that is carried out at the next start. After an error nothing is left of it.
core::Result<void> Control::commit_fences(Administration next, std::span<const netfilter::Change> changes) {
    const Administration before = *state().administration;
    if (auto kept = save(next); !kept) {
        return kept;
    }
    publish(std::move(next));
    auto done = administer().and_then([&] { return helper_.apply(changes); });
    if (!done) {
        take_back(before, changes);
    }
    return done;
}

void Control::take_back(const Administration& before, std::span<const netfilter::Change> changes) {
    std::vector<netfilter::Change> reverse;
    for (const netfilter::Change& change : changes) {
        if (const auto* fence = std::get_if<netfilter::Fence>(&change)) {
            withdrawn_.insert(fence->id);
            const auto old = before.fences.find(fence->backend);
            if (old == before.fences.end()) {
                reverse.emplace_back(netfilter::Unfence{fence->backend});
            } else {
                reverse.emplace_back(kernel_fence(old->second));
            }
        }
    }
    publish(before);
    // Each by itself as far as it goes: what fails here is put right when that process is started again.
    const auto kept = save(before);
    const auto told = administer();
    const auto lifted = helper_.attached() ? helper_.apply(reverse) : core::Result<void>();
    for (const auto* one : {&kept, &told, &lifted}) {
        if (!*one) {
            log("fence", {{"error", "cannot take back: " + one->error().line()}});
        }
    }
}

// Kernel first: the proxy may send visitors there only once it lets them through.
core::Result<void> Control::commit_lift(Administration next, const std::set<core::Address>& addresses) {
    const Administration before = *state().administration;
    std::vector<netfilter::Change> changes;
    std::vector<netfilter::Change> reverse;
    for (const core::Address& address : addresses) {
        changes.emplace_back(netfilter::Unfence{address});
        if (const auto old = before.fences.find(address); old != before.fences.end()) {
            reverse.emplace_back(kernel_fence(old->second));
        }
    }
    if (auto lifted = helper_.apply(changes); !lifted) {
        return lifted;
    }
    if (auto kept = save(next); !kept) {
        if (const auto back = helper_.apply(reverse); !back) {
            log("unfence", {{"error", "cannot take back: " + back.error().line()}});
        }
        return kept;
    }
    publish(std::move(next));
    return administer();
}

Outcome<std::vector<FenceRecord>> Control::install(const FenceOrder& order, const std::vector<Target>& targets) {
    const State now = state();
    Administration next = *now.administration;
    const core::WallTime time = core::base::wall_now();
    std::vector<FenceRecord> records;
    std::vector<netfilter::Change> changes;
    for (const Target& target : targets) {
        FenceRecord record{target.address, target.server, target.pool, order.mode.value_or(now.config->fence_mode),
                           make_id(),      order.who,     order.why,   time,
                           std::nullopt,   order.kill ? netfilter::Scope::all : order.scope};
        if (order.lasts) {
            record.until = time + *order.lasts;
        }
        // Fenced anew, it has been fenced since the first time.
        if (const auto old = next.fences.find(target.address); old != next.fences.end()) {
            record.since = old->second.since;
        }
        next.fences[target.address] = record;
        changes.emplace_back(kernel_fence(record));
        records.push_back(std::move(record));
    }
    if (auto done = commit_fences(std::move(next), changes); !done) {
        return refuse(std::move(done.error()));
    }
    return records;
}

Outcome<Json> Control::fence(const FenceOrder& order) {
    std::vector<Target> targets;
    Json fences = Json::array();
    {
        const std::lock_guard lock(changing_);
        auto found = find_targets(*state().config, order.servers, order.pool);
        if (!found) {
            return tl::unexpected(std::move(found.error()));
        }
        targets = std::move(*found);
        const auto records = install(order, targets);
        if (!records) {
            return tl::unexpected(records.error());
        }
        for (const FenceRecord& record : *records) {
            fences.push_back(view_fence(&record, nullptr));
            log("fence", fences.back());
        }
    }
    netfilter::Reaped reaped;
    if (order.kill) {
        const auto killed = kill(targets);
        if (!killed) {
            return tl::unexpected(killed.error());
        }
        reaped = *killed;
        log("kill", {{"servers", order.servers},
                     {"who", order.who},
                     {"why", order.why},
                     {"sockets", reaped.sockets},
                     {"forwarded", reaped.forwarded}});
    }
    const auto patience = order.drain.value_or(order.kill ? kill_settles : core::Milliseconds{0});
    const bool drained = wait_until(targets, Asks::drained, Clock::now() + patience);
    const json seen = report();
    std::uint64_t active = 0;
    for (const Target& target : targets) {
        active += in_flight(target, seen).value_or(0);
    }
    if (order.drain && !drained) {
        return refuse(504, {"not drained within " + core::base::print_duration(*order.drain),
                            std::to_string(active) + " still in flight", "the fence holds; wait on, or lift it", 0});
    }
    Json answer{{"fences", std::move(fences)}, {"drained", drained}, {"in_flight", active}};
    if (order.kill) {
        answer["killed"] = {{"sockets", reaped.sockets}, {"forwarded", reaped.forwarded}};
    }
    return answer;
}

// After the fence, so that nothing new comes while the old is ended. Without changing_: nobody else's order waits.
Outcome<netfilter::Reaped> Control::kill(const std::vector<Target>& targets) {
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
    return *reaped;
}

Outcome<Json> Control::unfence(const UnfenceOrder& order) {
    std::vector<Target> targets;
    std::size_t lifted = 0;
    {
        const std::lock_guard lock(changing_);
        const State now = state();
        auto found = find_fenced(*now.config, *now.administration, order.servers, order.pool);
        if (!found) {
            return tl::unexpected(std::move(found.error()));
        }
        Administration next = *now.administration;
        for (const core::Address& address : *found) {
            next.fences.erase(address);
        }
        for (Target& target : fenced_backends(*now.config, *now.administration)) {
            if (found->contains(target.address)) {
                targets.push_back(std::move(target));
            }
        }
        lifted = found->size();
        if (lifted > 0) {
            if (auto done = commit_lift(std::move(next), *found); !done) {
                return refuse(done.error());
            }
        }
        for (const core::Address& address : *found) {
            const FenceRecord& record = now.administration->fences.at(address);
            log("unfence", {{"server", record.server},
                            {"pool", record.pool},
                            {"address", address.text()},
                            {"who", order.who},
                            {"why", order.why}});
        }
    }
    const bool passed = wait_until(targets, Asks::passed, Clock::now() + order.wait.value_or(core::Milliseconds{0}));
    if (order.wait && !passed) {
        return refuse(504, {"no check has passed within " + core::base::print_duration(*order.wait), "",
                            "the fence is lifted; gatehouse status says what the checks see", 0});
    }
    return Json{{"lifted", lifted}, {"passed", passed}};
}

bool Control::wait_until(const std::vector<Target>& targets, Asks what, Clock::time_point deadline) {
    for (;;) {
        const json seen = report();
        const bool done = std::all_of(targets.begin(), targets.end(), [&](const Target& target) {
            return what == Asks::drained ? in_flight(target, seen) == 0U : up_in(seen, target.pool, target.server);
        });
        if (done || Clock::now() >= deadline) {
            return done;
        }
        std::this_thread::sleep_for(poll_step);
    }
}

void Control::expire() {
    const core::WallTime time = core::base::wall_now();
    const auto due = [time](const auto& entry) { return expired(entry.second.until, time); };
    const auto any = [&](const Administration& all) {
        return std::any_of(all.fences.begin(), all.fences.end(), due) ||
               std::any_of(all.maintenance.begin(), all.maintenance.end(), due);
    };
    if (!any(*state().administration)) {
        return;
    }
    const std::lock_guard lock(changing_);
    const State now = state();
    Administration next = *now.administration;
    std::vector<netfilter::Change> changes;
    for (const auto& [address, record] : now.administration->fences) {
        if (expired(record.until, time)) {
            changes.emplace_back(netfilter::Unfence{address});
            log("unfence", {{"server", record.server}, {"address", address.text()}, {"why", "its time is over"}});
        }
    }
    for (const auto& [pool, record] : now.administration->maintenance) {
        if (expired(record.until, time)) {
            log("maintenance", {{"pool", pool}, {"on", false}, {"why", "its time is over"}});
        }
    }
    std::erase_if(next.fences, due);
    std::erase_if(next.maintenance, due);
    // The kernel drops an expired fence by itself, so neither a fence process that is away nor a full disk holds this
    // up: what is still stored is expired again at the next start.
    if (!changes.empty() && helper_.attached()) {
        static_cast<void>(helper_.apply(changes));
    }
    static_cast<void>(save(next));
    publish(std::move(next));
    static_cast<void>(administer());
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
