// FenceCommits: how a change of fences reaches store, proxy and kernel as one, and how it is taken back. The caller of
// each function holds ControlState::changing.
#pragma once

#include <optional>
#include <span>

#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/proxy_sync.hpp"
#include "appliance/control/sync/redirect_sync.hpp"
#include "netfilter/model/fence.hpp"

namespace appliance::control {

// Why the proxy has not confirmed what it was told; nothing where it has, or where there is none.
using Unconfirmed = std::optional<core::Error>;

class FenceCommits {
public:
    // All outlive it.
    FenceCommits(ControlState& shared, RedirectSync& redirects, ProxySync& proxy_sync)
        : shared_(shared), redirects_(redirects), proxy_sync_(proxy_sync) {}

    // next, with `changes` of it in the kernel, counts when this returns. Errors: the kernel or the fence process
    // refuses; nothing is left of it.
    core::Result<Unconfirmed> commit(Administration next, std::span<const netfilter::Change> changes);
    // before counts again. changes: what the kernel was told, or may have been.
    void take_back(const Administration& before, std::span<const netfilter::Change> changes);
    // The wall clock was set: ends of fences that were ordered for a time move with it.
    void follow_clock();

private:
    ControlState& shared_;
    RedirectSync& redirects_;
    ProxySync& proxy_sync_;
};

}  // namespace appliance::control
