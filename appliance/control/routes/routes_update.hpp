// The API's routes of the appliance's versions: GET /v1/update; POST /v1/update/install, /rollback and /reboot.
#pragma once

#include "appliance/control/routes/routes.hpp"

namespace appliance::control {

api::Reply read_update(const Call& call);
// 202: the request is left, and GET /v1/update tells what becomes of it.
api::Reply install_update(const Call& call);
api::Reply roll_update_back(const Call& call);
api::Reply reboot_machine(const Call& call);

}  // namespace appliance::control
