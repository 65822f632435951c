// Redirector: keeps table inet gatehouse_redirect in the kernel as wanted. It lives in the fence process, beside the
// FenceManager and on its socket.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netfilter/kernel/kernel.hpp"
#include "netfilter/model/redirect.hpp"
#include "netfilter/redirect/forwarding_keeper.hpp"

namespace netfilter {

class Redirector {
public:
    // The kernel outlives it. One thread.
    explicit Redirector(Kernel& kernel) : kernel_(kernel), forwarding_(kernel) {}

    // Makes the table hold exactly these redirects, in one transaction. Established connections continue. For them an
    // empty table stays where there was one: the kernel translates only while a chain for that exists. Returns what the
    // kernel held before, even where another program's change made the wanted table. May be called ten times a second:
    // while the redirects and the ruleset's generation stay, it only reads the generation. Errors: see validate, or
    // what the kernel says; the old table stays then.
    //
    // Where redirects need forwarding and it is off: it is switched on once the table holds the guard, and off before
    // the guard goes (ForwardingKeeper). A failed switch is no error, because redirects within this machine need no
    // forwarding; forwarded() reports it.
    core::Result<Before> put(std::span<const Redirect> redirects, Forward forward = Forward::as_needed);

    // Restores the last put's table, with its guard of forwarding, where another program has changed it. The next put
    // returns Before::foreign then. Commits at most once, so that it does not race a program that removes the table
    // repeatedly. Does nothing before the first put. Errors: see put.
    core::Result<void> repair();

    // The state of forwarding after the last put.
    [[nodiscard]] const Forwarded& forwarded() const noexcept { return forwarding_.state(); }

    // What the kernel has counted for the redirects of the last put, in their order.
    core::Result<std::vector<RedirectCount>> counts();
    // What `nft list table inet gatehouse_redirect` prints; empty when there is no table.
    core::Result<std::string> text();

private:
    struct Made {
        std::vector<Redirect> redirects;
        Found found;
        friend bool operator==(const Made&, const Made&) = default;
    };

    // The result of one attempt: another commit came first; committed, and not read back; the kernel holds what is
    // wanted.
    enum class Tried : std::uint8_t { overtaken, committed, sound };

    core::Result<void> learn();
    // Repeats try_put until the result is at least enough.
    core::Result<Before> put_table(const Made& wanted, Tried enough);
    core::Result<Tried> try_put(const Made& wanted, Before& before);
    [[nodiscard]] static Transaction step_to(const Snapshot& found, const Made& wanted);
    [[nodiscard]] Before judge(const Snapshot& found) const;

    Kernel& kernel_;
    ForwardingKeeper forwarding_;
    bool learnt_ = false;  // the state that an earlier process left in the kernel is known
    std::optional<Made> made_;
    bool repaired_ = false;                  // since the last put
    std::optional<std::uint32_t> sound_at_;  // the generation at which the table was last seen to match made_
};

}  // namespace netfilter
