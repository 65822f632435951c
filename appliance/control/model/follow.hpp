// The administrative state under another configuration. Pure.
#pragma once

#include <vector>

#include "appliance/control/model/record.hpp"
#include "netfilter/model/fence.hpp"

namespace appliance::control {

// A fence moves with its server's backend. The page of a pool that is gone ends, and so does the weight of a server
// that left its pool. changes: what the kernel is to be told, appended.
Administration follow(const Administration& before, const config::Config& wanted,
                      std::vector<netfilter::Change>& changes);

}  // namespace appliance::control
