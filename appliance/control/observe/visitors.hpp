// What a pool's visitors have seen, from the proxy's report: read, subtracted, shown. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/base/histogram.hpp"

namespace appliance::control {

// As the report has it, for one pool; null where it had none yet.
nlohmann::json visitors_in(const nlohmann::json& report, const std::string& pool);

// How long their exchanges took, from one of these. Nothing where it is null, or not what visitors_in() gives.
std::optional<core::base::Histogram> latency_in(const nlohmann::json& visitors);

// Between two of these of one proxy. Null where either is not what visitors_in() gives; null itself counts as no
// visitors yet.
// {"requests", "status": {"2xx", "3xx", "4xx", "5xx"}, "ours", "broken", "retried", "waited",
//  "latency": {"p50_ms", "p99_ms", "p999_ms"}}.
nlohmann::ordered_json view_visitors(const nlohmann::json& before, const nlohmann::json& after);

}  // namespace appliance::control
