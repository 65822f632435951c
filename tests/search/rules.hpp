// The rules: claims of control that must be true. Each is checked against Truth at the moment of the answer, with its
// lock held. Truth::accuse() records what breaks one.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "appliance/control/engine/control.hpp"
#include "tests/search/truth.hpp"

namespace tests::search {

using Answer = appliance::control::Outcome<appliance::control::Control::Json>;

// "fenced" means: in the kernel and out of rotation, at some moment of the order, and still, unless another deed
// explains otherwise. "drained" means: nothing in flight, and the fence stood until the answer.
struct Wanted {
    bool drain = false;
    bool all = false;      // every packet
    bool endless = false;  // it never runs out
};
void judge_fence(Truth& truth, unsigned order, Wanted wanted, const Answer& answer);
// "opened" means: not fenced in the kernel. "passed" means: a check has passed since. addresses: of its servers.
void judge_unfence(Truth& truth, unsigned order, const std::set<std::string>& addresses, bool wait,
                   const Answer& answer);
// The page is what the answer says. proxy: there is one that serves.
void judge_page(Truth& truth, unsigned order, const std::string& pool, bool on, bool proxy, const Answer& answer);
// Each number in status is true.
void judge_status(Truth& truth, Moment begun, const appliance::control::Control::Json& status);
// Describes an operator's fence that must stand and does not, in the kernel or for the proxy; or a lifted one that
// stands. addresses: of each place, by the configuration now. told: the addresses that the proxy takes for fenced;
// nothing: not asked. asking: the order that asks, still under way; or 0.
std::optional<std::string> find_lost(Truth& truth, const std::map<Place, std::string>& addresses,
                                     const std::optional<std::set<std::string>>& told, unsigned asking);
// Checks that a refused order has left nothing, when all troubles have ended.
void judge_refused(Truth& truth);

}  // namespace tests::search
