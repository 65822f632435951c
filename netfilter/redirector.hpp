// Redirector: keeps table inet gatehouse_redirect in the kernel as it is wanted. Lives in the fence process, beside the
// FenceManager and on its socket.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "netfilter/kernel.hpp"
#include "netfilter/redirect.hpp"

namespace netfilter {

class Redirector {
public:
    // The kernel outlives it. One thread.
    explicit Redirector(Kernel& kernel) : kernel_(kernel) {}

    // Makes the table hold just these redirects, in one transaction. What is established goes on: for that an empty
    // table stays where there was one, because the kernel translates no longer than some chain for it stands. Says what
    // the kernel held before, also where another program's change and this one coincide. Cheap (one question for the
    // ruleset's generation) when nobody has changed anything since the last put of the same, so that it may be called
    // ten times a second. Errors: see validate, or what the kernel says; the old table stands then.
    core::Result<Before> put(std::span<const Redirect> redirects);

    // What the kernel has counted for the redirects of the last put, in their order.
    core::Result<std::vector<RedirectCount>> counts();
    // What `nft list table inet gatehouse_redirect` prints; empty when there is no table.
    core::Result<std::string> text();

private:
    core::Result<bool> try_put(std::span<const Redirect> redirects, Before& before);
    [[nodiscard]] Before judge(const Snapshot& found) const;

    Kernel& kernel_;
    std::optional<std::vector<Redirect>> made_;
    std::optional<std::uint32_t> sound_at_;  // the generation at which the table was last seen to be made_
};

}  // namespace netfilter
