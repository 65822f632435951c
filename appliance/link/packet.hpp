// One packet of a SOCK_SEQPACKET Unix socket with the descriptors that ride on it: the system calls below Channel,
// which alone uses this.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/base/clock.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/duration.hpp"
#include "core/base/result.hpp"

namespace appliance::link {

// SCM_MAX_FD is 253 (kernel, net/core/scm.c); below it with room to spare.
inline constexpr std::size_t packet_fds_max = 200;

using Clock = core::BootClock;

enum class Arrival { packet, timeout, closed };

struct Packet {
    Arrival arrival = Arrival::timeout;
    std::size_t bytes = 0;  // of the buffer that was handed in
    std::vector<core::base::Descriptor> fds;
};

// Waits until deadline for room, then sends both parts as one packet with the descriptors, which stay the caller's.
// Errors: EPIPE where the other end is closed, ETIMEDOUT where it does not read, and what sendmsg(2) says.
core::Result<void> send_packet(int socket, std::span<const std::byte> head, std::span<const std::byte> body,
                               std::span<const int> fds, Clock::time_point deadline);

// Waits until deadline for one packet, which must fit the buffer. Received descriptors are close-on-exec. Error: the
// packet or its descriptors did not fit (EMSGSIZE; no room in the descriptor table looks the same), or recvmsg(2).
core::Result<Packet> receive_packet(int socket, std::span<std::byte> buffer, Clock::time_point deadline);

}  // namespace appliance::link
