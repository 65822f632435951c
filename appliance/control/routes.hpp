// Routes: the HTTP API of the control process, from requests to orders and from outcomes to replies.
#pragma once

#include "appliance/api/server.hpp"
#include "appliance/control/control.hpp"

namespace appliance::control {

// Answers every request, also those that make no sense (400, 404, 405). Any thread.
api::Reply answer(Control& control, const api::Request& request);

}  // namespace appliance::control
