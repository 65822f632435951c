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
    IORING_OP_NOP,     IORING_OP_ACCEPT, IORING_OP_CONNECT,  IORING_OP_RECV,         IORING_OP_SEND,
    IORING_OP_SENDMSG, IORING_OP_READ,   IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL,
};

constexpr std::array registrations{IORING_REGISTER_PBUF_RING, IORING_UNREGISTER_PBUF_RING};

}  // namespace

int enable(io_uring& ring, bool restricted) {
    if (restricted) {
        std::array<io_uring_restriction, operations.size() + registrations.size() + 1> rules{};
        std::size_t count = 0;
        for (const auto operation : operations) {
            rules[count].opcode = IORING_RESTRICTION_SQE_OP;
            rules[count++].sqe_op = static_cast<__u8>(operation);
        }
        for (const auto registration : registrations) {
            rules[count].opcode = IORING_RESTRICTION_REGISTER_OP;
            rules[count++].register_op = static_cast<__u8>(registration);
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
