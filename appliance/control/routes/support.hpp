// Support: all that a person without access to the machine needs, in one document.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "appliance/control/routes/routes.hpp"

namespace appliance::control {

// At most so many lines of the log.
inline constexpr std::uint64_t log_lines_max = 1'000;

// {"lines": [...], "more"}: the last lines of the log, the oldest first, as objects; more: there are older ones.
nlohmann::ordered_json last_lines(Events& events, std::uint64_t count);

// {"made", "version", "kernel", "machine", "up_since", "status", "rules", "metrics", "maintenance", "firewall",
// "audit", "log", "configuration"}. What cannot be said is {"error"} in its place. Secrets are redacted (redact.hpp).
nlohmann::ordered_json support(const Services& services);

}  // namespace appliance::control
