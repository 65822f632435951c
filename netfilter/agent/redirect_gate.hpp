// RedirectGate: lets control's redirects through in the fence process, as far as the supervisor finds them in the
// configuration file. Control reads foreign input, so what it says of the file is not enough; the fence process reads
// none, so it asks the supervisor, on a link that control has no part in.
#pragma once

#include "core/base/descriptor.hpp"
#include "netfilter/client/helper_client.hpp"
#include "netfilter/model/redirect_bounds.hpp"

namespace netfilter {

class RedirectGate {
public:
    // supervisor: one end of a SOCK_SEQPACKET pair; the other answers each order of redirects with an
    // empty RedirectState or an error (appliance/boot/supervisor/redirect_inquiry).
    explicit RedirectGate(core::base::Descriptor supervisor);

    // Asks the supervisor where something new is among them, and at most 2 seconds for an answer. Error: what the
    // configuration file does not name, or that the supervisor does not say.
    core::Result<void> pass(std::span<const Redirect> redirects);

private:
    HelperClient supervisor_;
    RedirectBounds passed_;  // the last ones: who asks for ever new ones takes no memory
};

}  // namespace netfilter
