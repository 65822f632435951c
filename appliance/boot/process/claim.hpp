// Claim: of two Gatehouses in one network namespace the second is refused, because each would put the other's fences
// "right". Held by the supervisor for as long as it lives.
#pragma once

#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::boot {

// Claims the fences of the network namespace of the calling thread until the descriptor is closed, however the process
// ends. Error: another Gatehouse has them; names its process id and command line. Anybody may take the name, so only
// the claim of who could keep fences counts: root, or CAP_NET_ADMIN in this user namespace. Where somebody else has it,
// the descriptor is not valid and nobody is refused.
[[nodiscard]] core::Result<core::base::Descriptor> claim_fences();

}  // namespace appliance::boot
