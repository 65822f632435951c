// ForwardingKeeper: switches the kernel's forwarding on while redirects need it, and restores the switches afterwards.
// On a machine that forwarded already it changes nothing. Owned by the Redirector, which puts the guard in place before
// that.
#pragma once

#include <set>
#include <span>

#include "netfilter/kernel/kernel.hpp"
#include "netfilter/model/redirect.hpp"
#include "netfilter/redirect/redirect_guard.hpp"

namespace netfilter {

class ForwardingKeeper {
public:
    // The kernel outlives it. One thread.
    explicit ForwardingKeeper(Kernel& kernel) : kernel_(kernel) {}

    // The state that an earlier process has recorded (found_in). Call it first.
    void learn(const Found& found) { found_ = found; }

    // Call it before the table for these redirects is made. Switches off what nothing needs any more, and returns what
    // the table must guard. Connections to removed backends need forwarding until they have ended. They are counted;
    // where the count fails, they are assumed to exist.
    const Found& prepare(std::span<const Redirect> redirects, Forward forward);
    // Call it with the guard in the kernel: switches on what is off.
    void finish();

    // The result of the last prepare and finish.
    [[nodiscard]] const Forwarded& state() const noexcept { return state_; }

private:
    void note(const core::Error& error);
    void remember(std::set<core::Address> backends);
    bool is_left(bool v4);

    Kernel& kernel_;
    Found found_;
    std::set<core::Address> backends_;  // of the last prepare, without those on this machine's loopback
    std::set<core::Address> former_;    // earlier ones that may still have connections
    Forwarded state_;
};

}  // namespace netfilter
