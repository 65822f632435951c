// Flow sockets: this machine's own sockets that are connected to a backend, as sock_diag reports them, and the message
// to end them. Pure: bytes in, bytes out; flow_reaper.cpp sends them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/result.hpp"
#include "netfilter/netlink/socket.hpp"

namespace netfilter {

// One end of a flow on this machine: a socket that is neither closed nor in TIME_WAIT.
struct FlowSocket {
    core::Address local;  // an IPv4 address where IPv4 is spoken, whatever the socket's family
    core::Address remote;
    std::uint8_t family = 0;              // the socket's own: AF_INET or AF_INET6
    std::uint32_t mark = 0;               // SO_MARK
    std::array<std::uint8_t, 48> name{};  // the kernel's id of the socket, with a cookie: a successor has another
};

// Requests the sockets of one family and protocol that are connected to that address and port. The kernel filters, so a
// machine with a million sockets answers with few. IPv6 sockets may speak IPv4: request both families.
[[nodiscard]] std::vector<std::byte> encode_socket_dump(const core::Address& remote, std::uint8_t protocol, int family,
                                                        std::uint32_t sequence);

// Empty for another kind of message, or for one that is cut short.
[[nodiscard]] std::optional<FlowSocket> decode_socket(const Message& message);

// Ends these sockets (SOCK_DESTROY): their owners get ECONNABORTED at once, the peers a reset. Only failures are
// answered. sequence: of the first message; the others follow.
[[nodiscard]] std::vector<std::byte> encode_destroy(std::span<const FlowSocket> sockets, std::uint8_t protocol,
                                                    std::uint32_t sequence);

// How many of `asked` sockets were ended. A socket that has ended by itself is not counted. Errors: the kernel cannot
// end sockets (no CONFIG_INET_DIAG_DESTROY), or we may not.
[[nodiscard]] core::Result<std::size_t> judge_destroy(const Replies& replies, std::size_t asked);

}  // namespace netfilter
