// The rules: what control may say only when it is so. Each is held against Truth while its lock is held, at the moment
// of the answer; what breaks one is put down with Truth::accuse().
#pragma once

#include <set>
#include <string>
#include <vector>

#include "appliance/control/control.hpp"
#include "tests/search/truth.hpp"

namespace tests::search {

using Answer = appliance::control::Outcome<appliance::control::Control::Json>;

// "fenced" means: in the kernel and out of rotation, at some moment of the order, and still, unless somebody has
// explained otherwise. "drained" means: nothing in flight, and the fence stood until the answer.
void judge_fence(Truth& truth, unsigned order, bool drain, const Answer& answer);
// "opened" means: not fenced in the kernel. "passed" means: a check has passed since. addresses: of its servers.
void judge_unfence(Truth& truth, unsigned order, const std::set<std::string>& addresses, bool wait,
                   const Answer& answer);
// Every operator's fence that is to stand is in the kernel and known to the proxy. addresses: of each place, as the
// configuration has them now; told: the addresses that the proxy takes for fenced, none where it does not serve.
void judge_standing(Truth& truth, const std::map<Place, std::string>& addresses,
                    const std::optional<std::set<std::string>>& told, const std::string& when);
// What an order that was refused has left behind, when all troubles have ended.
void judge_refused(Truth& truth);

}  // namespace tests::search
