// Fences: orders that fence servers, and how they reach store, proxy and kernel.
#pragma once

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "appliance/control/model/fence_claim.hpp"
#include "appliance/control/model/order.hpp"
#include "appliance/control/orders/fence_waits.hpp"
#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/fence_commits.hpp"

namespace appliance::control {

// Any thread. An order holds ControlState::changing from its look at what stands until its fences do. It does not hold
// it while it waits.
class Fences {
public:
    using Json = ControlState::Json;
    using Clock = ControlState::Clock;

    // All outlive it.
    Fences(ControlState& shared, FenceCommits& commits, FenceWaits& waits)
        : shared_(shared), commits_(commits), waits_(waits) {}

    // Returns when the rules are in the kernel and every worker has closed its idle connections; with drain, when the
    // last exchange has ended too (504 at the deadline; the fences hold). What the proxy does not tell is not known,
    // and is waited for. A proxy that does not take the order in time delays no fence: the rules are in the kernel
    // (504; the fences hold), and it is told again. 409 where one of the fences was lifted, replaced or ran out
    // meanwhile. With kill, ends what is established before it returns, and says how much that was. Where the kernel
    // cannot, that is an error; the fences hold. See fence_claim.hpp for what becomes of fences that stand.
    Outcome<Json> fence(const FenceOrder& order);
    // "web1 is fenced by ann: deploying", where a fence stands at the address; else empty.
    [[nodiscard]] std::string note_at(const core::Address& address) const;

private:
    struct Installed {
        std::vector<Claim> claims;
        Unconfirmed unconfirmed;
    };
    // Under ControlState::changing.
    Outcome<Installed> install(const FenceOrder& order, const std::vector<Target>& targets);
    std::set<core::Address> tell_installed(const Installed& installed, const FenceOrder& order, Json& fences,
                                           Json& notes);
    Outcome<netfilter::Reaped> kill(const FenceOrder& order, const std::vector<Target>& targets);

    ControlState& shared_;
    FenceCommits& commits_;
    FenceWaits& waits_;
};

}  // namespace appliance::control
