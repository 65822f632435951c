#include "appliance/control/refusal.hpp"

#include <cerrno>

namespace appliance::control {

tl::unexpected<Refusal> refuse(core::Error error) {
    const bool passing = error.os_error == EPIPE || error.os_error == ETIMEDOUT;
    return refuse(passing ? 503 : 500, std::move(error));
}

}  // namespace appliance::control
