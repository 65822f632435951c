// The routes that tell what happens while it does: events as they are logged, and what becomes of a change.
#pragma once

#include "appliance/control/routes/routes.hpp"

namespace appliance::control {

// Server-sent events (WHATWG HTML, section 9.2), from those after Last-Event-ID or the query's `after` on; from now on
// where there is neither.
api::Reply follow_events(const Call& call);
// One entry of the audit log, when its outcome is known or after wait_ms.
api::Reply read_operation(const Call& call);

}  // namespace appliance::control
