// The messages that control sends to the proxy, and refusals in answers (docs/internals/processes.md). Pure.
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>

#include "appliance/control/model/record.hpp"

namespace appliance::control {

// How many marked sockets the probes need: one per backend of a family that has an address.
struct ProbeSockets {
    std::size_t v4 = 0;
    std::size_t v6 = 0;
};

ProbeSockets count_probes(const config::Config& config);
// At most, whatever the names of servers resolve to: a backend without an address may come to be of either family.
ProbeSockets most_probes(const config::Config& config);

// "configure". Its descriptors: worker_count listening sockets for each listener in order, then the probe sockets, v4
// before v6.
nlohmann::json configure_message(const config::Config& config);
// Makes pools hold requests for a second at least: a change on trial that leaves a pool without a server goes back, and
// no visitor need see it.
void hold_while_on_trial(nlohmann::json& configure_message);
// Whether an Administration is all there is. fences: the kernel's have been read. state: the state folder has.
struct Known {
    bool fences = true;
    bool state = true;
};
// "administer": all of the administrative state, so that it may be sent at any time and as often as wanted. What is not
// known stays at the proxy as it is: one that serves since before this process keeps what it was told then.
nlohmann::json administer_message(const config::Config& config, const Administration& administration, Known known);

// A peer's refusal: {"error":TEXT} or {"error":{"what","why","mend"}}. usual: what it did, where it does not say.
core::Error read_refusal(const nlohmann::json& answer, const char* usual);

}  // namespace appliance::control
