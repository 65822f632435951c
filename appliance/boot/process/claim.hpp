// Claim: of two Gatehouses in one network namespace the second is refused, because each would put the other's fences
// "right". Held by the supervisor for as long as it lives.
#pragma once

#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::boot {

// Claims the fences of the calling thread's network namespace until the descriptor is closed, however the process ends.
// Error: another Gatehouse has them; names its process id and command line. Any process can take the name. So a claim
// counts only if its process can set fences: it is root, or has CAP_NET_ADMIN in this user namespace. Where another
// claim does not count, the descriptor is not valid, and that is no error.
[[nodiscard]] core::Result<core::base::Descriptor> claim_fences();

}  // namespace appliance::boot
