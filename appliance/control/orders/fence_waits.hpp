// FenceWaits: waiting for fences: until what is in flight behind one has ended, or the first check after one has
// passed. Each look holds only for the fence that was waited for: one that is lifted, replaced or runs out ends the
// wait.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "appliance/control/model/targets.hpp"
#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/fence_commits.hpp"
#include "appliance/control/sync/proxy_sync.hpp"
#include "netfilter/model/fence.hpp"

namespace appliance::control {

// A backend behind a fence, and the fence that is waited for.
struct Waited {
    Target target;
    std::string fence;  // its id
};

// Any thread, without ControlState::changing: other orders do not wait for these waits.
class FenceWaits {
public:
    using Clock = ControlState::Clock;

    // Both outlive it.
    FenceWaits(ControlState& shared, ProxySync& proxy_sync) : shared_(shared), proxy_sync_(proxy_sync) {}

    // Every backend at these addresses: two pools that share an address share its fence, and what is in flight behind
    // it.
    [[nodiscard]] std::vector<Waited> waits_for(const std::set<core::Address>& addresses) const;
    // What an order says that failed after its fences were set: that they hold may be said only of those that still
    // stand. Another order may have lifted or replaced them meanwhile, or they have run out.
    [[nodiscard]] Refusal unless_ended(const std::vector<Waited>& waited, Refusal refusal) const;
    // Nothing: it is not known.
    [[nodiscard]] std::optional<std::uint64_t> sum_in_flight(const std::vector<Waited>& waited,
                                                             const nlohmann::json& seen);

    // Tells the proxy once more. 504 where it still has not confirmed. Takes ControlState::changing.
    Outcome<void> confirm_by_proxy(const Unconfirmed& unconfirmed, const netfilter::Reaped& reaped);
    // Refused with 409 where a fence ended, with 504 where the patience did. A proxy that had not taken the fence is
    // told in between: until then it may have sent a visitor there, and the fence may be gone again.
    Outcome<void> await_drained(const std::vector<Waited>& waited, core::Milliseconds patience,
                                const Unconfirmed& unconfirmed, const netfilter::Reaped& reaped);
    // Refused with 409 where a backend was fenced again or has moved, with 504 where the patience ended.
    Outcome<void> await_passed(const std::vector<Target>& targets, core::Milliseconds patience);
    // Whether the rollout's own fences of these servers stand in the kernel. Errors: 409, the fence's owner or how it
    // ended; 503, it is not known.
    Outcome<void> holds(std::int64_t rollout, const std::string& pool, const std::vector<std::string>& servers);

private:
    // Errors: how one of the fences ended.
    [[nodiscard]] core::Result<void> all_stand(const std::vector<Waited>& waited) const;
    // Nothing: it cannot be asked.
    std::optional<bool> in_kernel(const std::set<core::Address>& addresses);
    std::optional<std::uint64_t> in_flight(const Target& target, const nlohmann::json& seen);
    [[nodiscard]] std::string why_not_drained(std::optional<std::uint64_t> left, std::optional<bool> stands) const;
    Outcome<void> look_until_drained(const std::vector<Waited>& waited, core::Milliseconds patience,
                                     Clock::time_point deadline);

    ControlState& shared_;
    ProxySync& proxy_sync_;
};

}  // namespace appliance::control
