// Restrictions: which ring operations this process may ever submit. seccomp cannot look into a ring, so this is the
// only fence around io_uring itself (IORING_REGISTER_RESTRICTIONS, kernel 5.10). Called by Loop::create.
#pragma once

#include <liburing.h>

#include <span>

namespace core::io {

struct RingRight {
    unsigned number = 0;         // as the kernel counts it
    const char* name = nullptr;  // as the kernel's header has it, without IORING_OP_ or IORING_REGISTER_
};

// What a restricted ring does: its operations (IORING_OP_*), and what may be registered with it (IORING_REGISTER_*).
std::span<const RingRight> ring_operations() noexcept;
std::span<const RingRight> ring_registrations() noexcept;

// Restricts a ring made with IORING_SETUP_R_DISABLED to the operations of core/io where restricted is set, and
// enables it. Returns 0 or a negative errno.
int enable(io_uring& ring, bool restricted);

}  // namespace core::io
