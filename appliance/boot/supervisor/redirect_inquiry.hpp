// RedirectInquiry: the supervisor's end of its link to the fence process, which asks here whether the configuration
// file names what control wants redirected.
#pragma once

#include "appliance/boot/supervisor/bounds.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"
#include "netfilter/protocol/redirect_inbox.hpp"

namespace appliance::boot {

class RedirectInquiry {
public:
    // The bounds outlive it.
    explicit RedirectInquiry(Bounds& bounds) : bounds_(bounds) {}

    // Makes a new link in place of the one before, and returns the end of a new fence process. Error: no descriptors.
    core::Result<core::base::Descriptor> open();

    // To wait on until it is readable; -1 while there is no link.
    [[nodiscard]] int fd() const noexcept { return link_.get(); }

    // Takes one packet, if one is there, and answers with the last of a question. Never blocks: who asks waits for the
    // answer, so there is room for it. Error: the fence process sent what it never would; the link is closed then.
    core::Result<void> take();

private:
    core::Result<void> answer(const netfilter::wire::Request& request);

    Bounds& bounds_;
    core::base::Descriptor link_;
    netfilter::RedirectInbox inbox_;
};

}  // namespace appliance::boot
