// Redirector: keeps table inet gatehouse_redirect in the kernel as it is wanted. Lives in the fence process, beside the
// FenceManager and on its socket.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netfilter/redirect/forwarding_keeper.hpp"
#include "netfilter/kernel/kernel.hpp"
#include "netfilter/model/redirect.hpp"

namespace netfilter {

class Redirector {
public:
    // The kernel outlives it. One thread.
    explicit Redirector(Kernel& kernel) : kernel_(kernel), forwarding_(kernel) {}

    // Makes the table hold just these redirects, in one transaction. What is established goes on: for that an empty
    // table stays where there was one, because the kernel translates no longer than some chain for it stands. Says what
    // the kernel held before, also where another program's change and this one coincide. Cheap (one question for the
    // ruleset's generation) when nobody has changed anything since the last put of the same, so that it may be called
    // ten times a second. Errors: see validate, or what the kernel says; the old table stands then.
    //
    // Where the redirects need the kernel to forward and it does not, it is switched on once the table holds the guard,
    // and off before the guard goes (ForwardingKeeper). That it cannot be is no error, because redirects within this
    // machine need no forwarding: forwarded() says so.
    core::Result<Before> put(std::span<const Redirect> redirects, Forward forward = Forward::as_needed);

    // Makes the table again what the last put made of it, where another program has changed it: the guard of forwarding
    // stands in it. The next put says Before::foreign then. Commits once at most, so that a program which takes the
    // table away again and again is not chased. Does nothing before the first put. Errors: see put.
    core::Result<void> repair();

    // What the last put has left of forwarding.
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

    // What a try has come to: somebody else was faster; committed, and not read back; the kernel holds what is wanted.
    enum class Tried : std::uint8_t { overtaken, committed, sound };

    core::Result<void> learn();
    // Tries until it has come as far as that.
    core::Result<Before> put_table(const Made& wanted, Tried enough);
    core::Result<Tried> try_put(const Made& wanted, Before& before);
    [[nodiscard]] static Transaction step_to(const Snapshot& found, const Made& wanted);
    [[nodiscard]] Before judge(const Snapshot& found) const;

    Kernel& kernel_;
    ForwardingKeeper forwarding_;
    bool learnt_ = false;  // what an earlier process has left in the kernel
    std::optional<Made> made_;
    bool repaired_ = false;                  // since the last put
    std::optional<std::uint32_t> sound_at_;  // the generation at which the table was last seen to be made_
};

}  // namespace netfilter
