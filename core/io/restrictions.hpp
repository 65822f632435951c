// Restrictions: which ring operations this process may submit. seccomp cannot see into a ring, so only this limits
// io_uring itself (IORING_REGISTER_RESTRICTIONS, kernel 5.10). Called by Loop::create.
#pragma once

#include <liburing.h>

#include <span>

namespace core::io {

struct RingRight {
    unsigned number = 0;         // the kernel's number
    const char* name = nullptr;  // the kernel header's name, without IORING_OP_ or IORING_REGISTER_
};

// What a restricted ring does: its operations (IORING_OP_*), and what may be registered with it (IORING_REGISTER_*).
std::span<const RingRight> ring_operations() noexcept;
std::span<const RingRight> ring_registrations() noexcept;

// Enables a ring made with IORING_SETUP_R_DISABLED. restricted: first limits it to the operations of core/io. Returns 0
// or a negative errno.
int enable(io_uring& ring, bool restricted);

}  // namespace core::io
