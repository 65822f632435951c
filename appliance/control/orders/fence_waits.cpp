#include "appliance/control/orders/fence_waits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/control/model/fence_claim.hpp"
#include "appliance/control/observe/views.hpp"
#include "core/base/clock.hpp"

namespace appliance::control {
namespace {

constexpr core::Milliseconds poll_step{20};
// How long a fence that another program has taken out of the kernel may take to be put back.
constexpr core::Milliseconds repair_wait{1'000};

// A check of another address says nothing about the one where the fence was lifted.
core::Result<void> still_there(const config::Config& config, const Target& target) {
    const auto now = find_targets(config, {target.server}, target.pool);
    if (!now) {
        return core::fail(target.server + " is not in " + target.pool + " any more", "a reload took it out",
                          "the fence is lifted; gatehouse status shows who serves");
    }
    if (now->front().address != target.address) {
        return core::fail(target.server + " has moved to " + now->front().address.text(), "its address has changed",
                          "repeat the command to wait there");
    }
    return {};
}

}  // namespace

// Every backend at these addresses: two pools that share an address share its fence, and what is in flight behind it.
std::vector<Waited> FenceWaits::waits_for(const std::set<core::Address>& addresses) const {
    const Wanted now = shared_.wanted();
    std::vector<Waited> waited;
    for (Target& target : fenced_backends(*now.config, *now.administration)) {
        if (addresses.contains(target.address)) {
            std::string id = now.administration->fences.at(target.address).id;
            waited.push_back({std::move(target), std::move(id)});
        }
    }
    return waited;
}

core::Result<void> FenceWaits::all_stand(const std::vector<Waited>& waited) const {
    const Wanted now = shared_.wanted();
    for (const Waited& one : waited) {
        const auto found = now.administration->fences.find(one.target.address);
        if (found != now.administration->fences.end() && found->second.id == one.fence) {
            continue;
        }
        const auto& fences = now.administration->fences;
        const auto moved = std::find_if(fences.begin(), fences.end(),
                                        [&one](const auto& each) { return each.second.id == one.fence; });
        if (moved != fences.end()) {
            return core::fail(one.target.server + " and its fence have moved to " + moved->first.text(),
                              "its address has changed", "repeat the command to wait there");
        }
        return core::fail(shared_.endings.find(one.fence).value_or("the fence of " + one.target.server + " is gone"),
                          "that of " + one.target.pool,
                          found == fences.end() ? one.target.server + " is not fenced in " + one.target.pool + " now"
                                                : describe_fence(found->second));
    }
    return {};
}

// What an order says that failed after its fences were set: that they hold may be said only of those that still stand.
// Another order may have lifted or replaced them meanwhile, or they have run out.
Refusal FenceWaits::unless_ended(const std::vector<Waited>& waited, Refusal refusal) const {
    const auto stand = all_stand(waited);
    if (stand) {
        return refusal;
    }
    Refusal ended{409, stand.error(), {}};
    std::string left;  // "web1 in chat, web2 in app"
    for (const Waited& one : waited) {
        if (all_stand({one})) {
            left += (left.empty() ? "" : ", ") + one.target.server + " in " + one.target.pool;
        }
    }
    if (!left.empty()) {
        ended.error.mend += "; still fenced by this order: " + left;
    }
    return ended;
}

std::optional<bool> FenceWaits::in_kernel(const std::set<core::Address>& addresses) {
    const auto kernel = shared_.helper.list();
    if (!kernel) {
        return std::nullopt;
    }
    return std::all_of(addresses.begin(), addresses.end(), [&kernel](const core::Address& address) {
        return std::any_of(kernel->begin(), kernel->end(),
                           [&address](const netfilter::Fence& fence) { return fence.backend == address; });
    });
}

// What is in flight on the target, of whichever plane serves its pool. Nothing: it is not known, because the process
// that counts does not answer.
std::optional<std::uint64_t> FenceWaits::in_flight(const Target& target, const nlohmann::json& seen) {
    const Wanted now = shared_.wanted();
    const config::Pool* pool = now.config->pool(target.pool);
    if (pool == nullptr || pool->plane != config::Plane::kernel) {
        if (shared_.old_proxies > 0) {
            return std::nullopt;  // only they know what they have in flight, and they cannot be asked
        }
        return active_in(seen, target.pool, target.server);
    }
    const auto count = shared_.helper.count_redirected(target.address);
    return count ? std::optional(*count) : std::nullopt;
}

std::optional<std::uint64_t> FenceWaits::sum_in_flight(const std::vector<Waited>& waited, const nlohmann::json& seen) {
    std::uint64_t sum = 0;
    for (const Waited& one : waited) {
        const auto count = in_flight(one.target, seen);
        if (!count) {
            return std::nullopt;
        }
        sum += *count;
    }
    return sum;
}

// What a wait that ran out says: how much is known.
std::string FenceWaits::why_not_drained(std::optional<std::uint64_t> left, std::optional<bool> stands) const {
    if (!left) {
        return shared_.old_proxies > 0
                   ? "how much is still in flight is not known: the proxy before the upgrade still drains"
                   : "how much is still in flight is not known: the proxy does not answer";
    }
    if (*left > 0) {
        return fmt::format("{} still in flight", *left);
    }
    return stands ? "the rule is missing in the kernel; it is being put back"
                  : "whether the rule is in the kernel is not known: the fence process does not answer";
}

Outcome<void> FenceWaits::confirm_by_proxy(const Unconfirmed& unconfirmed, const netfilter::Reaped& reaped) {
    {
        const std::lock_guard lock(shared_.changing);
        if (!shared_.untold || proxy_sync_.tell(ProxySync::tell_max)) {
            return {};
        }
    }
    const std::uint64_t ended = reaped.sockets + reaped.forwarded;
    return refuse(504, {"the fence holds in the kernel, but the proxy has not confirmed it",
                        fmt::format("{}; {}what it has in flight there is not known", unconfirmed->line(),
                                    ended > 0 ? fmt::format("{} connections were ended; ", ended) : std::string()),
                        "it is told again until it answers; gatehouse status shows whether it does", 0});
}

// Refused with 409 where a fence ended, with 504 where the patience did. A proxy that had not taken the fence is told
// in between: until then it may have sent a visitor there, and the fence may be gone again.
Outcome<void> FenceWaits::await_drained(const std::vector<Waited>& waited, core::Milliseconds patience,
                                        const Unconfirmed& unconfirmed, const netfilter::Reaped& reaped) {
    const auto deadline = Clock::now() + patience;
    return look_until_drained(waited, patience, deadline).and_then([&]() -> Outcome<void> {
        if (!unconfirmed) {
            return {};
        }
        return confirm_by_proxy(unconfirmed, reaped).and_then([&] {
            return look_until_drained(waited, patience, deadline);
        });
    });
}

// Looks once at least.
Outcome<void> FenceWaits::look_until_drained(const std::vector<Waited>& waited, core::Milliseconds patience,
                                             Clock::time_point deadline) {
    std::set<core::Address> addresses;
    for (const Waited& one : waited) {
        addresses.insert(one.target.address);
    }
    for (;;) {
        const auto left = sum_in_flight(waited, shared_.report());
        const std::optional<bool> stands = left == 0U ? in_kernel(addresses) : std::optional(true);
        // After the looks: the id stays the same only where the fence stood all the time.
        if (auto still = all_stand(waited); !still) {
            return refuse(409, std::move(still.error()));
        }
        if (left == 0U && stands == true) {
            return {};
        }
        if (Clock::now() >= deadline) {
            const std::string why = why_not_drained(left, stands);
            return refuse(504, {"not drained within " + core::base::print_duration(patience), why,
                                "the fence holds; wait on, or lift it", 0});
        }
        core::base::sleep_for(poll_step);
    }
}

// Refused with 409 where a backend was fenced again or has moved, with 504 where the patience ended.
Outcome<void> FenceWaits::await_passed(const std::vector<Target>& targets, core::Milliseconds patience) {
    const auto deadline = Clock::now() + patience;
    for (;;) {
        // A proxy may not have been told yet that a fence was lifted or ran out. It then still says what it saw behind
        // the fence.
        const Wanted before = shared_.wanted();
        const bool told = !shared_.untold;
        const nlohmann::json seen = shared_.report();
        const Wanted now = shared_.wanted();
        bool passed = told && before.administration == now.administration;
        bool known = told;
        for (const Target& target : targets) {
            if (auto there = still_there(*now.config, target); !there) {
                return refuse(409, std::move(there.error()));
            }
            const auto fence = now.administration->fences.find(target.address);
            if (fence != now.administration->fences.end()) {
                return refuse(409, {describe_fence(fence->second), "it was fenced again meanwhile", "", 0});
            }
            const Health health = health_in(seen, target.pool, target.server);
            passed = passed && health == Health::up;
            known = known && health != Health::unknown;
        }
        if (passed) {
            return {};
        }
        if (Clock::now() >= deadline) {
            return refuse(504, {"no check has passed within " + core::base::print_duration(patience),
                                known ? ""
                                      : "what the checks see is not known: the proxy does not answer, or has not "
                                        "checked yet",
                                "the fence is lifted; gatehouse status says what the checks see", 0});
        }
        core::base::sleep_for(poll_step);
    }
}

Outcome<void> FenceWaits::holds(std::int64_t rollout, const std::string& pool,
                                const std::vector<std::string>& servers) {
    const auto deadline = Clock::now() + repair_wait;
    for (;;) {
        const Wanted now = shared_.wanted();
        const auto targets = find_targets(*now.config, servers, pool);
        if (!targets) {
            return tl::unexpected(targets.error());
        }
        std::set<core::Address> addresses;
        for (const Target& target : *targets) {
            addresses.insert(target.address);
            const auto fence = now.administration->fences.find(target.address);
            if (fence == now.administration->fences.end()) {
                return refuse(409, {shared_.endings.find_last(target.address)
                                        .value_or("the fence of " + target.server + " does not stand"),
                                    "", "gatehouse deploy resume fences it again and goes on", 0});
            }
            if (fence->second.rollout != rollout) {
                return refuse(409, {describe_fence(fence->second), "",
                                    "lift that fence when it is no longer needed, then gatehouse deploy resume", 0});
            }
        }
        const auto stands = in_kernel(addresses);
        if (stands == true) {
            return {};
        }
        if (Clock::now() >= deadline) {
            return refuse(503, {stands ? "the fence is missing in the kernel"
                                       : "whether the fence stands in the kernel is not known",
                                stands ? "another program takes it out" : "the fence process does not answer",
                                "gatehouse rules shows what the kernel holds; then gatehouse deploy resume", 0});
        }
        core::base::sleep_for(poll_step);
    }
}

}  // namespace appliance::control
