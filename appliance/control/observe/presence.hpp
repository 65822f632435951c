// Presence: whether a listener's address is one of this machine's. A listener's address may come and go, as the shared
// one of a pair of balancers does. While it is absent no visitor can reach the listener, and the operator must be told.
#pragma once

#include <string>

#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"

namespace appliance::control {

enum class Presence { here, absent, unknown };

// Asks the kernel's routes, and changes nothing. Of one thread.
class LocalAddresses {
public:
    // Without descriptors every answer is unknown.
    LocalAddresses();

    // here: a packet to the address would be delivered on this machine, as to all of 127.0.0.0/8; so would those to
    // 0.0.0.0 and ::, for every address there is. absent: it would be sent elsewhere, or nowhere. The port is ignored.
    Presence find(const core::Address& address);

private:
    core::base::Descriptor socket_;
};

// What an operator has to know; empty: here.
std::string explain(Presence presence, const core::Address& address);

}  // namespace appliance::control
