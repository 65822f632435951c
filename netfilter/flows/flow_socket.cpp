#include "netfilter/flows/flow_socket.hpp"

#include <netinet/in.h>
// netinet/in.h must come before the kernel's headers.
#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "netfilter/netlink/attribute.hpp"

namespace netfilter {
namespace {

static_assert(sizeof(inet_diag_sockid) == sizeof(FlowSocket::name));

// The kernel's numbers of TCP states (net/tcp_states.h). A listening socket is no flow; TIME_WAIT and closed ones have
// ended.
constexpr std::uint32_t time_wait = 1U << 6;
constexpr std::uint32_t closed = 1U << 7;
constexpr std::uint32_t listening = 1U << 10;
constexpr std::uint32_t tcp_states = 0xfffU & ~(1U | time_wait | closed | listening);
// The only state of a connected UDP socket.
constexpr std::uint32_t connected = 1U << 1;

constexpr std::size_t socket_message_max = 256;

class SocketMessage {
public:
    explicit SocketMessage(std::uint16_t type, std::uint16_t flags, std::uint32_t sequence)
        : header_(mnl_nlmsg_put_header(bytes_.data())) {
        header_->nlmsg_type = type;
        header_->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
        header_->nlmsg_seq = sequence;
    }
    inet_diag_req_v2& request() {
        return *static_cast<inet_diag_req_v2*>(mnl_nlmsg_put_extra_header(header_, sizeof(inet_diag_req_v2)));
    }
    nlmsghdr* header() { return header_; }
    void append_to(std::vector<std::byte>& out) const {
        const auto* start = reinterpret_cast<const std::byte*>(header_);
        out.insert(out.end(), start, start + MNL_ALIGN(header_->nlmsg_len));
    }

private:
    alignas(nlmsghdr) std::array<char, socket_message_max> bytes_{};
    nlmsghdr* header_;
};

// A program with one condition for the kernel's filter: the peer has this address and port. `yes` and `no` are jumps. A
// jump to four bytes past the end means no match (net/ipv4/inet_diag.c).
std::vector<std::uint8_t> write_condition(const core::Address& remote) {
    const std::size_t address_size = remote.is_v4() ? 4 : 16;
    const auto size = sizeof(inet_diag_bc_op) + sizeof(inet_diag_hostcond) + address_size;
    const inet_diag_bc_op step{INET_DIAG_BC_D_COND, static_cast<std::uint8_t>(size),
                               static_cast<std::uint16_t>(size + 4)};
    inet_diag_hostcond condition{};
    condition.family = static_cast<std::uint8_t>(remote.family());
    condition.prefix_len = static_cast<std::uint8_t>(address_size * 8);
    condition.port = remote.port();
    std::vector<std::uint8_t> program(size);
    std::memcpy(program.data(), &step, sizeof step);
    std::memcpy(program.data() + sizeof step, &condition, sizeof condition);
    std::memcpy(program.data() + sizeof step + sizeof condition, remote.bytes().data(), address_size);
    return program;
}

core::Address address_of(std::uint8_t family, const void* bytes, std::uint16_t port) {
    sockaddr_storage storage{};
    in6_addr wide{};
    std::memcpy(&wide, bytes, sizeof wide);
    if (family == AF_INET || IN6_IS_ADDR_V4MAPPED(&wide)) {
        auto& in = reinterpret_cast<sockaddr_in&>(storage);
        in.sin_family = AF_INET;
        std::memcpy(&in.sin_addr, wide.s6_addr + (family == AF_INET ? 0 : 12), sizeof in.sin_addr);
    } else {
        auto& in = reinterpret_cast<sockaddr_in6&>(storage);
        in.sin6_family = AF_INET6;
        in.sin6_addr = wide;
    }
    return core::Address::from(storage).with_port(ntohs(port));
}

}  // namespace

std::vector<std::byte> encode_socket_dump(const core::Address& remote, std::uint8_t protocol, int family,
                                          std::uint32_t sequence) {
    SocketMessage message(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, sequence);
    auto& request = message.request();
    request.sdiag_family = static_cast<std::uint8_t>(family);
    request.sdiag_protocol = protocol;
    request.idiag_states = protocol == IPPROTO_TCP ? tcp_states : connected;
    const auto program = write_condition(remote);
    mnl_attr_put(message.header(), INET_DIAG_REQ_BYTECODE, program.size(), program.data());
    std::vector<std::byte> bytes;
    message.append_to(bytes);
    return bytes;
}

std::optional<FlowSocket> decode_socket(const Message& message) {
    inet_diag_msg found{};
    if (message.type != SOCK_DIAG_BY_FAMILY || message.bytes.size() < sizeof(nlmsghdr) + sizeof found) {
        return std::nullopt;
    }
    std::memcpy(&found, message.bytes.data() + sizeof(nlmsghdr), sizeof found);
    if (found.idiag_family != AF_INET && found.idiag_family != AF_INET6) {
        return std::nullopt;
    }
    FlowSocket socket;
    socket.family = found.idiag_family;
    socket.local = address_of(found.idiag_family, found.id.idiag_src, found.id.idiag_sport);
    socket.remote = address_of(found.idiag_family, found.id.idiag_dst, found.id.idiag_dport);
    std::memcpy(socket.name.data(), &found.id, sizeof found.id);
    // The kernel reports the mark only with CAP_NET_ADMIN, which ending sockets requires too.
    const auto attributes = message.bytes.subspan(sizeof(nlmsghdr) + NLMSG_ALIGN(sizeof found));
    socket.mark = read_attribute<std::uint32_t>(attributes, INET_DIAG_MARK).value_or(0);
    return socket;
}

std::vector<std::byte> encode_destroy(std::span<const FlowSocket> sockets, std::uint8_t protocol,
                                      std::uint32_t sequence) {
    std::vector<std::byte> bytes;
    for (const auto& socket : sockets) {
        SocketMessage message(SOCK_DESTROY, 0, sequence++);
        auto& request = message.request();
        request.sdiag_family = socket.family;
        request.sdiag_protocol = protocol;
        request.idiag_states = ~0U;
        std::memcpy(&request.id, socket.name.data(), sizeof request.id);
        message.append_to(bytes);
    }
    return bytes;
}

core::Result<std::size_t> judge_destroy(const Replies& replies, std::size_t asked) {
    for (const auto& message : replies.messages()) {
        const auto ack = read_ack(message);
        if (!ack || ack->os_error == 0) {
            continue;
        }
        if (ack->os_error == ENOENT) {
            asked -= std::min<std::size_t>(asked, 1);
            continue;
        }
        const char* mend = ack->os_error == EOPNOTSUPP ? "the kernel needs CONFIG_INET_DIAG_DESTROY; use --drain"
                           : ack->os_error == EPERM    ? "give the process CAP_NET_ADMIN"
                                                       : "";
        return core::fail_os("cannot end established connections", ack->os_error, mend);
    }
    return asked;
}

}  // namespace netfilter
