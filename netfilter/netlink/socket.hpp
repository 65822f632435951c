// Socket: the one netlink socket through which the fence process speaks with nf_tables. One for the life of the
// process, because closing a socket after a commit waits for an RCU grace period while holding the kernel's commit
// lock: 7 ms, against 70 us for a commit. Used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace netfilter {

// One message of an answer; lives as long as the Replies it came from.
struct Message {
    std::uint16_t type = 0;
    std::uint16_t flags = 0;
    std::uint32_t sequence = 0;
    std::span<const std::byte> bytes;  // with its header
};

// What the kernel says about one message of ours.
struct Ack {
    std::uint32_t sequence = 0;
    int os_error = 0;                     // 0: taken
    std::string text;                     // the kernel's own words, often empty
    std::optional<std::uint32_t> offset;  // where in our message the trouble is, in bytes
};

struct Replies {
    std::vector<std::byte> bytes;
    bool overrun = false;  // the kernel had to drop some: what is here is true, but not all

    [[nodiscard]] std::vector<Message> messages() const;
};

// The acknowledgement that a message of type NLMSG_ERROR holds; nothing when it is another type or cut short.
[[nodiscard]] std::optional<Ack> read_ack(const Message& message);

class Socket {
public:
    // A socket in the network namespace of the calling thread. `bus`: a NETLINK_* number of the kernel, netfilter's
    // without. Errors: the kernel has none of that. The privilege CAP_NET_ADMIN is asked for by the kernel at the first
    // change, not here.
    static core::Result<Socket> open();
    static core::Result<Socket> open(int bus);

    // Sends one datagram and reads all that the kernel answers. nf_tables works inside the send, so everything there
    // is to read is there when the send returns, and nothing here ever blocks for an answer that will not come.
    // Errors: the send failed (too large for the buffer, no memory).
    core::Result<Replies> exchange(std::span<const std::byte> datagram);
    // The halves of exchange(), for callers to which it matters which of them failed: after an error of send() the
    // kernel has seen nothing, after one of drain() it has done what it was told, and what came of it is not known.
    core::Result<void> send(std::span<const std::byte> datagram);
    core::Result<Replies> drain();

    // Reserves `count` sequence numbers and returns the first. Never 0, which the kernel uses for events.
    std::uint32_t take_sequences(std::uint32_t count);

    // The address by which the kernel names this socket as the maker of a change.
    [[nodiscard]] std::uint32_t port() const;

    // Sends sizes above this are refused; forced at open when privileged.
    void limit_send(int bytes);
    // For tests that want answers to be lost.
    void limit_receive(int bytes);

private:
    explicit Socket(core::base::Descriptor descriptor);
    core::base::Descriptor descriptor_;
    std::uint32_t next_sequence_;
    std::vector<std::byte> buffer_;
};

}  // namespace netfilter
