// ForwardingKeeper: has the kernel forward for as long as redirects need it, and puts the switches back afterwards. A
// machine that forwarded already keeps that as it is. Belongs to the Redirector, which makes the guard stand meanwhile.
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

    // What an earlier process has written down (found_in). Before anything else.
    void learn(const Found& found) { found_ = found; }

    // Before the table is made for these redirects: switches off what nothing needs any more, and says what the table
    // has to be guarded for. Connections to backends that are not redirected to any more need it until they have ended;
    // they are counted, and what cannot be counted may be there.
    const Found& prepare(std::span<const Redirect> redirects, Forward forward);
    // With the guard in the kernel: switches on what is off, be it for the first time or again.
    void finish();

    // Of the last prepare and finish.
    [[nodiscard]] const Forwarded& state() const noexcept { return state_; }

private:
    void note(const core::Error& error);
    void remember(std::set<core::Address> backends);
    bool is_left(bool v4);

    Kernel& kernel_;
    Found found_;
    std::set<core::Address> backends_;  // of the last prepare, but those on this machine's loopback
    std::set<core::Address> former_;    // of those before, where connections may be left
    Forwarded state_;
};

}  // namespace netfilter
