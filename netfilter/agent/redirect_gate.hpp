// RedirectGate: decides in the fence process which of control's redirects may be made: those that the supervisor finds
// in the configuration file. Control reads foreign input, so its own claims about the file are not enough. The fence
// process asks the supervisor on a link to which control has no access.
#pragma once

#include "core/base/descriptor.hpp"
#include "netfilter/client/helper_client.hpp"
#include "netfilter/model/redirect_bounds.hpp"

namespace netfilter {

class RedirectGate {
public:
    // supervisor: one end of a SOCK_SEQPACKET pair. The other end answers each order of redirects with an empty
    // RedirectState or an error (appliance/boot/supervisor/redirect_inquiry).
    explicit RedirectGate(core::base::Descriptor supervisor);

    // Asks the supervisor when some redirect is new, and waits at most 2 seconds. Error: what the configuration file
    // does not name, or that the supervisor does not answer.
    core::Result<void> pass(std::span<const Redirect> redirects);

private:
    HelperClient supervisor_;
    RedirectBounds passed_;  // the last redirects that passed; not more, so that control cannot fill the memory
};

}  // namespace netfilter
