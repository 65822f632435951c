// Report: what the proxy says of itself, checked as a whole before anything reads it. The proxy reads what strangers
// send, so its words are taken for what an attacker would send.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/base/result.hpp"

namespace appliance::control {

// The report as it came. Each field has the type and the bounds that its readers expect, or is missing: a missing field
// is unknown. Error: a proxy of ours would never send that. Never throws.
core::Result<nlohmann::json> decode_report(nlohmann::json report);
// The same for what the proxy says of refusals.
core::Result<nlohmann::json> decode_refusals(nlohmann::json answer);

}  // namespace appliance::control
