// The API's routes of deploys: requests to the conductor and its answers back.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "appliance/api/server.hpp"
#include "appliance/control/state/audit_log.hpp"
#include "appliance/deploy/conductor.hpp"

namespace appliance::control {

// GET /v1/deploy, /v1/deploy/history, /v1/deploy/report, /v1/deploy/journal; POST /v1/deploy, and /rollback, /pause,
// /resume, /abort and /sync below it.
api::Reply read_deploy(deploy::Conductor& conductor, const api::Request& request);
// body: the request's, an object.
api::Reply change_deploy(deploy::Conductor& conductor, AuditLog& audit, const config::Config& config,
                         const api::Request& request, const nlohmann::json& body);

}  // namespace appliance::control
