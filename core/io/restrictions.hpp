// Restrictions: which ring operations this process may ever submit. seccomp cannot look into a ring, so this is the
// only fence around io_uring itself (IORING_REGISTER_RESTRICTIONS, kernel 5.10). Called by Loop::create.
#pragma once

#include <liburing.h>

namespace core::io {

// Restricts a ring made with IORING_SETUP_R_DISABLED to the operations of core/io where restricted is set, and
// enables it. Returns 0 or a negative errno.
int enable(io_uring& ring, bool restricted);

}  // namespace core::io
