#include "core/io/restrictions.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace core::io {
namespace {

// Debian 12's liburing 2.3 declares io_uring_register_restrictions and io_uring_enable_rings but does not export them.
int register_on(io_uring& ring, unsigned opcode, const void* argument, unsigned count) {
    const long result = ::syscall(__NR_io_uring_register, ring.ring_fd, opcode, argument, count);
    return result < 0 ? -errno : 0;
}

constexpr std::array operations{
    RingRight{IORING_OP_NOP, "NOP"},
    RingRight{IORING_OP_ACCEPT, "ACCEPT"},
    RingRight{IORING_OP_CONNECT, "CONNECT"},
    RingRight{IORING_OP_RECV, "RECV"},
    RingRight{IORING_OP_SEND, "SEND"},
    RingRight{IORING_OP_SENDMSG, "SENDMSG"},
    RingRight{IORING_OP_READ, "READ"},
    RingRight{IORING_OP_POLL_ADD, "POLL_ADD"},
    RingRight{IORING_OP_ASYNC_CANCEL, "ASYNC_CANCEL"},
};

constexpr std::array registrations{
    RingRight{IORING_REGISTER_PBUF_RING, "PBUF_RING"},
    RingRight{IORING_UNREGISTER_PBUF_RING, "UNREGISTER_PBUF_RING"},
};

}  // namespace

std::span<const RingRight> ring_operations() noexcept {
    return operations;
}

std::span<const RingRight> ring_registrations() noexcept {
    return registrations;
}

int enable(io_uring& ring, bool restricted) {
    if (restricted) {
        std::array<io_uring_restriction, operations.size() + registrations.size() + 1> rules{};
        std::size_t count = 0;
        for (const RingRight& operation : operations) {
            rules[count].opcode = IORING_RESTRICTION_SQE_OP;
            rules[count++].sqe_op = static_cast<__u8>(operation.number);
        }
        for (const RingRight& registration : registrations) {
            rules[count].opcode = IORING_RESTRICTION_REGISTER_OP;
            rules[count++].register_op = static_cast<__u8>(registration.number);
        }
        rules[count].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
        rules[count++].sqe_flags = IOSQE_BUFFER_SELECT;
        const int result = register_on(ring, IORING_REGISTER_RESTRICTIONS, rules.data(), static_cast<unsigned>(count));
        if (result < 0) {
            return result;
        }
    }
    return register_on(ring, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
}

}  // namespace core::io
