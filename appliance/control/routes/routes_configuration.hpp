// The routes of the configuration file.
#pragma once

#include "appliance/control/routes/routes.hpp"

namespace appliance::control {

// The text as it is; with format=json, {"file", "text", "trial"}.
api::Reply read_configuration(const Call& call);
// The text is the request's body, as it is.
api::Reply change_configuration(const Call& call);
api::Reply reload_configuration(const Call& call);

// What a request whose body is a text says beside it, in its query: {"why", "claimed_by"}, "dry_run" and "confirm_ms"
// as they would stand in a JSON body, and for the audit log the text's size and digest.
nlohmann::json words_beside_text(const api::Request& request);

}  // namespace appliance::control
