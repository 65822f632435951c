// Claim: what becomes of an order where a fence stands already, by the owners of both. Pure.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "appliance/control/model/record.hpp"
#include "appliance/control/model/refusal.hpp"

namespace appliance::control {

struct Claim {
    FenceRecord record;               // what is to stand
    std::optional<std::string> note;  // what the operator has to know: the fence's owner, and what is kept of it
};

// wanted: the fence as ordered, with a new id. standing: the one at the same address. replace: as ordered, whatever
// owner the standing one has.
// An owner's own fence becomes as ordered; it keeps its id, so that a wait for it goes on, unless the order loosens it.
// Another operator's fence stays that operator's, and takes over what is stricter of the order; from then on its owner
// loosens it with replace alone. A rollout's fence
// becomes the operator's, as strict as it was at least. A rollout takes over what an ended rollout has left fenced.
// Refused with 409: a rollout's order where an operator's fence stands.
Outcome<Claim> claim(FenceRecord wanted, const FenceRecord& standing, bool replace);

// Gives fence the wider scope and the later end of both.
void keep_stricter(FenceRecord& fence, const FenceRecord& other);

// "web2 is fenced by ann since 2026-11-28T13:02:11Z: disk broken".
std::string describe_fence(const FenceRecord& fence);
// {"kind": "operator"} or {"kind": "rollout", "rollout": 7}.
nlohmann::ordered_json view_owner(const FenceRecord& fence);

}  // namespace appliance::control
