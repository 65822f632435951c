// What happens to the state by itself: it follows the clock, runs out, and is written again when the disk takes it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/control/engine/control.hpp"
#include "appliance/control/model/drift.hpp"
#include "core/base/clock.hpp"

namespace appliance::control {
namespace {

// How often a disk in trouble is tried again, and a sound one looked at.
constexpr core::Milliseconds state_retry{1'000};

// A fence that was found in the kernel meanwhile is known by what its note says: the disk says whose it is, and of
// which server.
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

// The wall clock was set. A fence that was ordered for a time keeps what is left of it: its end moves with the clock,
// here and in the kernel's note. What names a time of day stays.
void Control::follow_clock() {
    const core::Milliseconds step = wall_steps_.take();
    if (step == core::Milliseconds{}) {
        return;
    }
    keeper_.follow_clock(wall_steps_.offset());
    helper_.follow_clock(wall_steps_.offset());
    log("clock", {{"set_by_ms", step.count()}});
    Administration next = *state().administration;
    std::vector<netfilter::Change> changes;
    for (auto& [address, record] : next.fences) {
        if (record.lasts && record.until) {
            *record.until += step;
            changes.emplace_back(kernel_fence(record));
        }
    }
    if (changes.empty()) {
        return;
    }
    keeper_.keep(next);
    publish_ends(std::move(next));
    // The kernel counts what is left by itself; only its note says the end.
    if (helper_.attached() && !helper_.apply(changes)) {
        compare_again_ = true;
    }
}

// The main loop does not wait for an order: an order may itself wait for a process that this loop has to greet.
void Control::expire() {
    const std::unique_lock lock(changing_, std::try_to_lock);
    if (!lock || !proxy_known_) {
        return;
    }
    follow_clock();
    const core::WallTime time = wall_steps_.now();
    const auto due = [time](const auto& entry) { return expired(entry.second.until, time); };
    const State now = state();
    const auto any = [&due](const auto& all) { return std::any_of(all.begin(), all.end(), due); };
    if (!any(now.administration->fences) && !any(now.administration->maintenance)) {
        return;
    }
    Administration next = *now.administration;
    std::vector<netfilter::Change> changes;
    for (const auto& [address, record] : now.administration->fences) {
        if (expired(record.until, time)) {
            changes.emplace_back(netfilter::Unfence{address});
            endings_.note(record, FenceEnd::ran_out, {}, {});
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
    if (!changes.empty() && !(helper_.attached() && helper_.apply(changes))) {
        for (const auto& [address, record] : now.administration->fences) {
            if (expired(record.until, time)) {
                withdrawn_.insert(record.id);
            }
        }
        compare_again_ = true;
    }
    keeper_.keep(next);
    publish(std::move(next));
    static_cast<void>(administer());
}

// What an order would find nothing of, may be there.
Outcome<void> Control::state_is_known(const char* not_done) const {
    if (keeper_.known()) {
        return {};
    }
    const auto trouble = keeper_.trouble();
    return refuse(
        503, {not_done, "what the state folder holds is not known: " + (trouble ? trouble->why : "it is being read"),
              "gatehouse status shows the state folder; try again when it can be read", 0});
}

void Control::tell_trouble(const std::optional<StateTrouble>& trouble) {
    if (trouble) {
        log("state", {{"error", trouble->why}, {"unsaved", trouble->unsaved}});
    } else {
        log("state", {{"saved", true}});
    }
}

// Fences that the disk held and nobody could read are taken over; what was ordered since counts where both speak of the
// same thing.
void Control::keep_state(Clock::time_point now) {
    if (now < keep_state_at_) {
        return;
    }
    const std::unique_lock lock(changing_, std::try_to_lock);
    if (!lock || !proxy_known_) {
        return;
    }
    keep_state_at_ = now + state_retry;
    keeper_.look();
    if (keeper_.trouble()) {
        static_cast<void>(keeper_.save(*state().administration));
    }
    auto late = keeper_.take_late();
    if (!late) {
        return;
    }
    Administration merged = merge_late(*state().administration, std::move(*late));
    std::vector<netfilter::Change> moves;
    Administration moved = follow(merged, *state().config, moves);
    withdraw_left(merged, moves);
    merged = std::move(moved);
    keeper_.keep(merged);
    publish(std::move(merged));
    compare_again_ = true;
    static_cast<void>(administer());
}

}  // namespace appliance::control
