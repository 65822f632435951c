#include "appliance/control/sync/kernel_sync.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "appliance/control/observe/views.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

Json culprit_of(const netfilter::Notice& notice) {
    return {{"culprit", notice.process.empty() ? Json() : Json(notice.process)},
            {"pid", notice.pid == 0 ? Json() : Json(notice.pid)}};
}

// What the fence process has put right, and what it left to us.
std::string describe(const netfilter::Repair& repaired, Differing found) {
    found.missing += repaired.missing;
    found.altered += repaired.altered;
    const std::string fences = found.text();
    if (!repaired.structure) {
        return fences;
    }
    return "the table was changed" + (fences.empty() ? "" : ", " + fences);
}

Json split(std::string_view words) {
    Json all = Json::array();
    while (!words.empty()) {
        const auto end = std::min(words.find(' '), words.size());
        all.push_back(words.substr(0, end));
        words.remove_prefix(std::min(end + 1, words.size()));
    }
    return all;
}

}  // namespace

void KernelSync::look_again() {
    due_ = Clock::now();
    shared_.reconciled = false;
}

void KernelSync::tick(Clock::time_point now) {
    if (shared_.compare_again.exchange(false)) {
        shared_.reconciled = false;
        due_ = now;
    }
    if (!shared_.reconciled && shared_.helper.attached() && now >= due_) {
        due_ = now + compare();
    }
}

// Returns when to try again, where that is to be. The main loop does not wait for an order; see StateUpkeep.
core::Milliseconds KernelSync::compare() {
    const std::unique_lock lock(shared_.changing, std::try_to_lock);
    if (!lock || !shared_.proxy_known) {
        return ControlState::known_look;  // this loop itself hears of the proxy
    }
    const auto done = reconcile();
    shared_.reconciled = done.has_value();
    if (done) {
        shared_.fences_known = true;
        shared_.settle_drift();
    } else {
        shared_.log("fence", {{"error", done.error().line()}});
    }
    return ControlState::retry;
}

// At the start, whenever a fence process starts and after a notice. What the kernel shows and the store does not know
// is adopted. What is stored and not in the kernel (a reboot, a foreign flush) is installed again. What has expired is
// dropped. The fence process does it in one transaction, made again where the kernel has moved on meanwhile.
core::Result<Differing> KernelSync::reconcile() {
    commits_.follow_clock();  // before the look: its ends are by this clock
    const auto kernel = shared_.helper.list();
    if (!kernel) {
        return tl::unexpected(kernel.error());
    }
    const Wanted now = shared_.wanted();
    const Administration stored =
        shared_.fences_known ? *now.administration : follow_kernel(*now.administration, *kernel);
    Drift drift = find_drift(*now.config, stored, shared_.withdrawn, *kernel, shared_.wall_steps.now(),
                             shared_.fences_known ? Trust::store : Trust::kernel);
    for (const netfilter::Fence& found : drift.adopted) {
        shared_.log("adopt", view_fence(&drift.wanted.fences.at(found.backend), &found));
    }
    for (const auto& [address, record] : now.administration->fences) {
        if (!drift.wanted.fences.contains(address) && expired(record.until, shared_.wall_steps.now())) {
            shared_.endings.note(record, FenceEnd::ran_out, {}, {});
        }
    }
    const Differing differing = drift.differing;
    if (!(drift.wanted == *now.administration)) {
        shared_.keeper.keep(drift.wanted);  // the kernel still knows; the next start adopts again
        shared_.publish(std::move(drift.wanted));
    }
    shared_.fences_read = true;
    // Without changes too: the fence process looks at the table's structure then.
    // Orders wait meanwhile, so a proxy that is known not to answer is not waited for.
    const auto patience = shared_.proxy.may_ask({}) ? ProxyLink::answer_max : ProxySync::tell_max;
    return shared_.helper.apply(drift.changes).and_then([&] { return proxy_sync_.administer(patience); }).map([&] {
        shared_.withdrawn.clear();
        return differing;
    });
}

// Many notices need one look: it finds what all of them have left.
void KernelSync::mend(Clock::time_point now) {
    const std::unique_lock lock(shared_.changing, std::try_to_lock);
    if (!lock) {
        return;  // the next tick does it; see StateUpkeep
    }
    if (!shared_.proxy_known) {
        return;  // as compare() does
    }
    const std::vector<netfilter::Notice> notices = shared_.helper.take_notices();
    if (notices.empty()) {
        return;
    }
    netfilter::Notice first = notices.front();
    netfilter::Repair repaired;
    for (const netfilter::Notice& notice : notices) {
        netfilter::add(repaired, notice.repaired);
    }
    first.trouble = notices.back().trouble;
    const auto done = reconcile();
    const std::string what = describe(repaired, done.value_or(Differing{}));
    const std::string error = done ? first.trouble : done.error().line();
    if (what.empty() && error.empty()) {
        return;  // a change that changed nothing of ours, or one that we have put right already
    }
    Json event{{"what", what.empty() ? Json() : Json(what)}};
    event.update(culprit_of(first));
    event["repaired"] = error.empty();
    if (!error.empty()) {
        event["error"] = error;
        shared_.reconciled = false;  // tick() tries again
        due_ = now + std::chrono::milliseconds(100);
    }
    shared_.note_drift(std::move(event));
}

// What the kernel holds where no server is any more goes with the next comparison.
void KernelSync::withdraw_left(const Administration& before, std::span<const netfilter::Change> moves) {
    for (const netfilter::Change& change : moves) {
        if (const auto* left = std::get_if<netfilter::Unfence>(&change)) {
            const FenceRecord& old = before.fences.at(left->backend);
            shared_.withdrawn.insert(old.id);
            left_at_start_.emplace(left->backend, old);
        }
    }
}

// A disk in trouble may have missed the last order about a server that the file has moved since: then the kernel holds
// another fence at the old address than the store did. It follows its server too.
Administration KernelSync::follow_kernel(Administration stored, std::span<const netfilter::Fence> kernel) {
    for (const netfilter::Fence& found : kernel) {
        const auto left = left_at_start_.find(found.backend);
        if (left == left_at_start_.end() || left->second.id == found.id) {
            continue;
        }
        const auto stands = std::find_if(stored.fences.begin(), stored.fences.end(), [&](const auto& entry) {
            return entry.second.id == left->second.id && entry.second.server == left->second.server;
        });
        if (stands == stored.fences.end()) {
            continue;  // an order of this process has replaced it
        }
        FenceRecord moved = adopt(*shared_.wanted().config, found);
        moved.address = stands->first;
        moved.server = left->second.server;
        moved.pool = left->second.pool;
        stands->second = std::move(moved);
        shared_.withdrawn.insert(found.id);
    }
    return stored;
}

// Under the lock of changes: a fence that is on its way from the store to the kernel is no drift.
Outcome<Json> KernelSync::rules() {
    const std::lock_guard changing(shared_.changing);
    const std::uint64_t revision = shared_.revision.current();
    const auto kernel = shared_.helper.list();
    if (!kernel) {
        return refuse(kernel.error());
    }
    const auto capabilities = shared_.helper.capabilities();
    if (!capabilities) {
        return refuse(capabilities.error());
    }
    const Wanted now = shared_.wanted();
    Json view = view_rules(*now.config, *now.administration, *kernel, core::base::wall_now());
    view["kernel"] = split(*capabilities);
    view["firewall"] = firewall_.view(*now.config);
    view["revision"] = revision;
    view["repairs"] = shared_.drift.repairs();
    view["last_drift"] = shared_.drift.last();
    return view;
}

Outcome<Json> KernelSync::watch_rules(std::uint64_t seen, core::Milliseconds patience) {
    shared_.revision.wait(seen, patience);
    return rules();
}

Outcome<std::string> KernelSync::rules_text() {
    auto text = shared_.helper.rules_text();
    if (!text) {
        return refuse(std::move(text.error()));
    }
    return std::move(*text);
}

}  // namespace appliance::control
