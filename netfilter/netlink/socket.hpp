// Socket: the netlink socket between the fence process and nf_tables. One for the process's lifetime: closing a socket
// after a commit waits for an RCU grace period with the kernel's commit lock held. That takes 7 ms, a commit 70 us.
// Used by one thread.
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

// One message of an answer; valid while the Replies that hold it.
struct Message {
    std::uint16_t type = 0;
    std::uint16_t flags = 0;
    std::uint32_t sequence = 0;
    std::span<const std::byte> bytes;  // with its header
};

// The kernel's result for one message of ours.
struct Ack {
    std::uint32_t sequence = 0;
    int os_error = 0;                     // 0: accepted
    std::string text;                     // the kernel's text, often empty
    std::optional<std::uint32_t> offset;  // the place of the fault in our message, in bytes
};

struct Replies {
    std::vector<std::byte> bytes;
    bool overrun = false;  // the kernel had to drop some messages: those here are true, but incomplete

    [[nodiscard]] std::vector<Message> messages() const;
};

// The acknowledgement in a message of type NLMSG_ERROR; empty for another type, or where it is cut short.
[[nodiscard]] std::optional<Ack> read_ack(const Message& message);

class Socket {
public:
    // A socket in the network namespace of the calling thread. `bus`: a NETLINK_* number of the kernel; without it
    // netfilter's. Errors: the kernel has no such bus. The kernel checks CAP_NET_ADMIN at the first change, not here.
    static core::Result<Socket> open();
    static core::Result<Socket> open(int bus);

    // Sends one datagram and reads all of the kernel's answers. nf_tables works inside the send, so all answers are
    // there when it returns, and no read blocks. Errors: the send failed (too large for the buffer, no memory).
    core::Result<Replies> exchange(std::span<const std::byte> datagram);
    // The two halves of exchange(), for callers that need to know which one failed. After an error of send() the kernel
    // has seen nothing. After an error of drain() it has processed the datagram, with an unknown result.
    core::Result<void> send(std::span<const std::byte> datagram);
    core::Result<Replies> drain();

    // Reserves `count` sequence numbers and returns the first. Never 0, which the kernel uses for events.
    std::uint32_t take_sequences(std::uint32_t count);

    // The kernel's address of this socket; it names the maker of a change.
    [[nodiscard]] std::uint32_t port() const;

    // Makes larger sends fail; forced at open when privileged.
    void limit_send(int bytes);
    // For tests that need lost answers.
    void limit_receive(int bytes);

private:
    explicit Socket(core::base::Descriptor descriptor);
    core::base::Descriptor descriptor_;
    std::uint32_t next_sequence_;
    std::vector<std::byte> buffer_;
};

}  // namespace netfilter
