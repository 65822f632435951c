// ProxySync: gives the proxy its configuration and the operators' orders, again and again until it has taken them.
#pragma once

#include <optional>

#include "appliance/control/sync/control_state.hpp"
#include "appliance/control/sync/redirect_sync.hpp"

namespace appliance::control {

class ProxySync {
public:
    using Clock = ControlState::Clock;

    // How long a proxy that has missed something is given to take it; longer would hold up the orders that wait.
    static constexpr core::Milliseconds tell_max{200};

    // Both outlive it.
    ProxySync(ControlState& shared, RedirectSync& redirects) : shared_(shared), redirects_(redirects) {}

    // The caller of these holds ControlState::changing.
    //
    // Kernel and proxy are told what is wanted now. Fine without a proxy: the next one is given everything before it
    // serves. Errors: as ProxyLink::ask and RedirectSync::update; the proxy is told again by tell_again().
    core::Result<void> administer(core::Milliseconds patience = ProxyLink::answer_max);
    // The proxy alone.
    core::Result<void> tell(core::Milliseconds patience);
    // A configuration with all its sockets; not what operators have ordered, but for its fences.
    core::Result<void> configure(const config::Config& config);

    // The main loop's.
    //
    // A new proxy has started. beside: another one serves while ours gets ready.
    void begin(bool beside);
    // Gives a new proxy its configuration. Not while an order is under way: see due().
    void configure_new(Clock::time_point now);
    // When that is to be tried.
    [[nodiscard]] Clock::time_point due() const noexcept { return configure_at_; }
    void tell_again(Clock::time_point now);
    // Whether a proxy has been given its configuration by this process.
    [[nodiscard]] bool has_served() const noexcept { return told_ready_; }

private:
    core::Result<void> await_proxy();
    core::Milliseconds configure_new();
    bool warm_up();

    ControlState& shared_;
    RedirectSync& redirects_;
    // The main loop's.
    bool told_ready_ = false;
    bool beside_ = false;
    std::optional<Clock::time_point> warm_until_;
    Clock::time_point configure_at_{};
    Clock::time_point tell_at_{};
};

}  // namespace appliance::control
