#include "appliance/control/sync/fence_commits.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/control/model/drift.hpp"

namespace appliance::control {

// Store, then proxy, then kernel: at no moment does the proxy send a visitor to a backend that the kernel refuses. A
// crash in between leaves an intent, which the next start carries out. After an error nothing is left of it. A disk or
// a proxy that does not take the fence does not delay it: the proxy is told again until it has.
core::Result<Unconfirmed> FenceCommits::commit(Administration next, std::span<const netfilter::Change> changes) {
    const Administration before = *shared_.wanted().administration;
    shared_.keeper.keep(next);
    shared_.publish(std::move(next));
    Unconfirmed unconfirmed;
    const auto done = redirects_.update().and_then([&] {
        if (auto told = proxy_sync_.tell(ProxyLink::answer_max); !told) {
            unconfirmed = std::move(told.error());
        }
        return shared_.helper.apply(changes);
    });
    if (!done) {
        take_back(before, changes);
        return tl::unexpected(done.error());
    }
    follow_clock();  // it may have been set meanwhile, and the kernel have taken an end for one that is over
    return unconfirmed;
}

// Both kinds of change: a fence that was set goes, or becomes what it was; one that was lifted comes back. After a lost
// answer the kernel's content is unknown, so the kernel is compared with the store once more.
void FenceCommits::take_back(const Administration& before, std::span<const netfilter::Change> changes) {
    std::vector<netfilter::Change> reverse;
    for (const netfilter::Change& change : changes) {
        const core::Address address = std::visit([](const auto& each) { return each.backend; }, change);
        const auto old = before.fences.find(address);
        if (const auto* fence = std::get_if<netfilter::Fence>(&change);
            fence != nullptr && (old == before.fences.end() || old->second.id != fence->id)) {
            shared_.withdrawn.insert(fence->id);
        }
        if (old != before.fences.end()) {
            reverse.emplace_back(kernel_fence(old->second));
        } else {
            reverse.emplace_back(netfilter::Unfence{address});
        }
    }
    shared_.keeper.keep(before);
    shared_.publish(before);
    shared_.compare_again = true;
    // Each by itself as far as it goes: what fails here is put right by the comparison, or when that process is started
    // again.
    const auto told = proxy_sync_.administer();
    const auto lifted =
        shared_.helper.attached() && !reverse.empty() ? shared_.helper.apply(reverse) : core::Result<void>();
    for (const auto* one : {&told, &lifted}) {
        if (!*one) {
            shared_.log("fence", {{"error", "cannot take back: " + one->error().line()}});
        }
    }
}

// The wall clock was set. A fence that was ordered for a time keeps what is left of it: its end moves with the clock,
// here and in the kernel's note. What names a time of day stays.
void FenceCommits::follow_clock() {
    const core::Milliseconds step = shared_.wall_steps.take();
    if (step == core::Milliseconds{}) {
        return;
    }
    shared_.keeper.follow_clock(shared_.wall_steps.offset());
    shared_.helper.follow_clock(shared_.wall_steps.offset());
    shared_.log("clock", {{"set_by_ms", step.count()}});
    Administration next = *shared_.wanted().administration;
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
    shared_.keeper.keep(next);
    shared_.publish_ends(std::move(next));
    // The kernel counts what is left by itself; only its note says the end.
    if (shared_.helper.attached() && !shared_.helper.apply(changes)) {
        shared_.compare_again = true;
    }
}

}  // namespace appliance::control
