// What each answer of the control process looks like on a terminal. Pure: JSON, the time and the style in, text out,
// every line at most style.width columns wide.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "appliance/cli/options.hpp"
#include "appliance/cli/style.hpp"

namespace appliance::cli {

// GET /v1/status.
std::string show_status(const nlohmann::json& status, core::WallTime now, const Style& style);
// GET /v1/rules.
std::string show_rules(const nlohmann::json& rules, core::WallTime now, const Style& style);
// POST /v1/maintenance, and GET /v1/status, which knows too what visitors meet where nobody shows the page.
std::string show_maintenance(const nlohmann::json& maintenance, core::WallTime now, const Style& style);
// GET /v1/firewall, POST /v1/firewall/confirm.
std::string show_firewall(const nlohmann::json& firewall, core::WallTime now, const Style& style);
// POST /v1/fence, /v1/unfence, /v1/weight, /v1/reload: what was done.
std::string show_fenced(const nlohmann::json& answer, const Options& options, core::WallTime now, const Style& style);
std::string show_unfenced(const nlohmann::json& answer, const Options& options, const Style& style);
// before: GET /v1/status before the change; null where nobody has looked.
std::string show_weights(const nlohmann::json& answer, const nlohmann::json& before, const Style& style);
// PUT /v1/configuration, POST /v1/configuration/rollback: what it has changed, or would.
std::string show_applied(const nlohmann::json& answer, const Style& style);
// POST /v1/configuration/confirm.
std::string show_confirmed(const nlohmann::json& answer, const Style& style);
std::string show_reloaded(const nlohmann::json& answer, const Style& style);

}  // namespace appliance::cli
