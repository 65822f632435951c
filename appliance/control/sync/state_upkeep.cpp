#include "appliance/control/sync/state_upkeep.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/control/model/drift.hpp"
#include "appliance/control/model/follow.hpp"

namespace appliance::control {
namespace {

// How often a disk in trouble is tried again, and a sound one looked at.
constexpr core::Milliseconds state_retry{1'000};

// A fence that was found in the kernel meanwhile is known by its note alone; the disk adds its owner and its server.
Administration merge_late(Administration now, Administration late) {
    for (auto& [address, fence] : now.fences) {
        if (const auto stored = late.fences.find(address); stored != late.fences.end()) {
            if (fence.server.empty()) {
                fence.server = stored->second.server;
                fence.pool = stored->second.pool;
            }
            if (fence.id == stored->second.id) {
                fence.rollout = stored->second.rollout;
                fence.others = fence.others.empty() ? stored->second.others : fence.others;
            }
        } else {
            know_owner(fence, late);
        }
    }
    now.lifted.merge(late.lifted);  // the kernel may not have been read yet
    now.fences.merge(late.fences);
    now.maintenance.merge(late.maintenance);
    now.weights.merge(late.weights);
    return now;
}

}  // namespace

// The main loop does not wait for an order: an order may itself wait for a process that this loop has to greet.
void StateUpkeep::expire() {
    const std::unique_lock lock(shared_.changing, std::try_to_lock);
    if (!lock || !shared_.proxy_known) {
        return;
    }
    commits_.follow_clock();
    const core::WallTime time = shared_.wall_steps.now();
    const auto due = [time](const auto& entry) { return expired(entry.second.until, time); };
    const Wanted now = shared_.wanted();
    const auto any = [&due](const auto& all) { return std::any_of(all.begin(), all.end(), due); };
    if (!any(now.administration->fences) && !any(now.administration->maintenance)) {
        return;
    }
    Administration next = *now.administration;
    std::vector<netfilter::Change> changes;
    for (const auto& [address, record] : now.administration->fences) {
        if (expired(record.until, time)) {
            changes.emplace_back(netfilter::Unfence{address});
            shared_.endings.note(record, FenceEnd::ran_out, {}, {});
            shared_.log("unfence",
                        {{"server", record.server}, {"address", address.text()}, {"why", "its time is over"}});
        }
    }
    for (const auto& [pool, record] : now.administration->maintenance) {
        if (expired(record.until, time)) {
            shared_.log("maintenance", {{"pool", pool}, {"on", false}, {"why", "its time is over"}});
        }
    }
    std::erase_if(next.fences, due);
    std::erase_if(next.maintenance, due);
    // The kernel drops an expired fence by itself. So neither a missing fence process nor a full disk delays this: what
    // is still stored is expired again at the next start.
    if (!changes.empty() && !(shared_.helper.attached() && shared_.helper.apply(changes))) {
        for (const auto& [address, record] : now.administration->fences) {
            if (expired(record.until, time)) {
                shared_.withdrawn.insert(record.id);
            }
        }
        shared_.compare_again = true;
    }
    shared_.keeper.keep(next);
    shared_.publish(std::move(next));
    static_cast<void>(proxy_sync_.administer());
}

// Fences that the disk held and that could not be read are taken over; what was ordered since counts where both speak
// of the same thing.
void StateUpkeep::keep(Clock::time_point now) {
    if (now < keep_at_) {
        return;
    }
    const std::unique_lock lock(shared_.changing, std::try_to_lock);
    if (!lock || !shared_.proxy_known) {
        return;
    }
    keep_at_ = now + state_retry;
    shared_.keeper.look();
    if (shared_.keeper.trouble()) {
        static_cast<void>(shared_.keeper.save(*shared_.wanted().administration));
    }
    auto late = shared_.keeper.take_late();
    if (!late) {
        return;
    }
    Administration merged = merge_late(*shared_.wanted().administration, std::move(*late));
    std::vector<netfilter::Change> moves;
    Administration moved = follow(merged, *shared_.wanted().config, moves);
    kernel_.withdraw_left(merged, moves);
    merged = std::move(moved);
    shared_.keeper.keep(merged);
    shared_.publish(std::move(merged));
    shared_.compare_again = true;
    static_cast<void>(proxy_sync_.administer());
}

}  // namespace appliance::control
