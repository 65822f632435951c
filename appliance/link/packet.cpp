#include "appliance/link/packet.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/base/verify.hpp"

namespace appliance::link {
namespace {

constexpr std::size_t control_bytes = CMSG_SPACE(sizeof(int) * packet_fds_max);

struct alignas(cmsghdr) ControlBuffer {
    std::array<std::byte, control_bytes> bytes{};
};

// Whether events came before the deadline. A signal only shortens the wait that is left.
bool wait_for(int socket, short events, Clock::time_point deadline) {
    for (;;) {
        pollfd entry{socket, events, 0};
        const int ready = core::base::poll_for(entry, deadline - Clock::now());
        if (ready >= 0 || errno != EINTR) {
            return ready != 0;
        }
    }
}

void attach(msghdr& message, ControlBuffer& control, std::span<const int> fds) {
    if (fds.empty()) {
        return;
    }
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(fds.size_bytes());
    cmsghdr* head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET;
    head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(fds.size_bytes());
    std::memcpy(CMSG_DATA(head), fds.data(), fds.size_bytes());
}

std::vector<core::base::Descriptor> detach(msghdr& message) {
    std::vector<core::base::Descriptor> fds;
    for (cmsghdr* head = CMSG_FIRSTHDR(&message); head != nullptr; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        const std::size_t count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (std::size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof(int));
            fds.emplace_back(fd);
        }
    }
    return fds;
}

}  // namespace

core::Result<void> send_packet(int socket, std::span<const std::byte> head, std::span<const std::byte> body,
                               std::span<const int> fds, Clock::time_point deadline) {
    VERIFY(fds.size() <= packet_fds_max);
    ControlBuffer control;
    std::array<iovec, 2> parts{iovec{const_cast<std::byte*>(head.data()), head.size()},
                               iovec{const_cast<std::byte*>(body.data()), body.size()}};
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = parts.size();
    attach(message, control, fds);
    for (;;) {
        const ssize_t sent = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            return {};
        }
        const int error = errno;
        // ETOOMANYREFS: more descriptors in flight than RLIMIT_NOFILE until the other end has read some (unix(7)).
        // poll(2) cannot wait for that, so it counts as an error.
        if (error == EAGAIN || error == EINTR) {
            if (!wait_for(socket, POLLOUT, deadline)) {
                return core::fail_os("cannot send to the other process", ETIMEDOUT);
            }
            continue;
        }
        return core::fail_os("cannot send to the other process", error == ECONNRESET ? EPIPE : error);
    }
}

core::Result<Packet> receive_packet(int socket, std::span<std::byte> buffer, Clock::time_point deadline) {
    ControlBuffer control;
    for (;;) {
        iovec part{buffer.data(), buffer.size()};
        msghdr message{};
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        message.msg_control = control.bytes.data();
        message.msg_controllen = control.bytes.size();
        const ssize_t got = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        const int error = errno;
        if (got > 0) {
            Packet packet{Arrival::packet, static_cast<std::size_t>(got), detach(message)};
            if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
                return core::fail_os("cannot receive all of a message", EMSGSIZE, "raise the limit of open files");
            }
            return packet;
        }
        // No sender sends empty packets, so 0 bytes mean the end. With unread data the end is a reset.
        if (got == 0 || error == ECONNRESET) {
            return Packet{Arrival::closed, 0, {}};
        }
        if (error != EAGAIN && error != EINTR) {
            return core::fail_os("cannot receive from the other process", error);
        }
        if (!wait_for(socket, POLLIN, deadline)) {
            return Packet{};
        }
    }
}

}  // namespace appliance::link
