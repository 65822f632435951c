// RedirectInquiry: the supervisor's end of its link to the fence process. The fence process asks whether the
// configuration file has the redirects that control wants.
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

    // Takes one packet, if one is there; answers after the last packet of a question. Never blocks: the fence process
    // waits for the answer, so there is room for it. Error: the fence process broke the protocol; the link is closed
    // then.
    core::Result<void> take();

private:
    core::Result<void> answer(const netfilter::wire::Request& request);

    Bounds& bounds_;
    core::base::Descriptor link_;
    netfilter::RedirectInbox inbox_;
};

}  // namespace appliance::boot
