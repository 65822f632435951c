#include "appliance/control/model/refusal.hpp"

#include <cerrno>

namespace appliance::control {

Refusal refuse_configuration(const config::Problems& problems) {
    Refusal refusal{422, {"the configuration is invalid", "", "nothing has changed; mend the file", 0}, {}};
    for (const config::Problem& problem : problems) {
        refusal.problems.push_back(problem.text());
    }
    return refusal;
}

tl::unexpected<Refusal> refuse(core::Error error) {
    const bool passing = error.os_error == EPIPE || error.os_error == ETIMEDOUT;
    return refuse(passing ? 503 : 500, std::move(error));
}

}  // namespace appliance::control
