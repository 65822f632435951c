#include "netfilter/netlink/socket.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>

#include "netfilter/netlink/uapi.hpp"

namespace netfilter {
namespace {

// 100 000 fences in one transaction take 20 MB with full comments. The limit costs nothing until it is used.
constexpr int send_buffer = 64 << 20;
// Holds one part of a dump (32 KiB at most) and a few thousand acknowledgements.
constexpr int receive_buffer = 8 << 20;
// The kernel makes the parts of a dump at most 32 KiB large, whatever size we offer.
constexpr std::size_t part_max = 64 << 10;

void set_buffer(int fd, int forced, int plain, int bytes) {
    // The forced variant needs CAP_NET_ADMIN; without it, the plain one gives what the system allows.
    if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) != 0) {
        setsockopt(fd, SOL_SOCKET, plain, &bytes, sizeof bytes);
    }
}

}  // namespace

std::vector<Message> Replies::messages() const {
    std::vector<Message> found;
    std::size_t at = 0;
    while (at + sizeof(nlmsghdr) <= bytes.size()) {
        nlmsghdr header{};
        std::memcpy(&header, bytes.data() + at, sizeof header);
        if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes.size() - at) {
            break;
        }
        found.push_back(
            {header.nlmsg_type, header.nlmsg_flags, header.nlmsg_seq, std::span(bytes).subspan(at, header.nlmsg_len)});
        at += NLMSG_ALIGN(header.nlmsg_len);
    }
    return found;
}

std::optional<Ack> read_ack(const Message& message) {
    nlmsgerr body{};
    if (message.type != NLMSG_ERROR || message.bytes.size() < sizeof(nlmsghdr) + sizeof body) {
        return std::nullopt;
    }
    std::memcpy(&body, message.bytes.data() + sizeof(nlmsghdr), sizeof body);
    // Negates without overflow, even for the smallest number.
    Ack ack{message.sequence, static_cast<int>(0U - static_cast<unsigned>(body.error)), {}, std::nullopt};
    if ((message.flags & NLM_F_ACK_TLVS) == 0) {
        return ack;
    }
    std::size_t at = sizeof(nlmsghdr) + sizeof body;
    if ((message.flags & NLM_F_CAPPED) == 0 && body.msg.nlmsg_len >= sizeof(nlmsghdr)) {
        at += NLMSG_ALIGN(body.msg.nlmsg_len - sizeof(nlmsghdr));
    }
    while (at + sizeof(nlattr) <= message.bytes.size()) {
        nlattr attribute{};
        std::memcpy(&attribute, message.bytes.data() + at, sizeof attribute);
        if (attribute.nla_len < sizeof attribute || attribute.nla_len > message.bytes.size() - at) {
            break;
        }
        const auto value = message.bytes.subspan(at + sizeof attribute, attribute.nla_len - sizeof attribute);
        if (attribute.nla_type == NLMSGERR_ATTR_MSG && !value.empty()) {
            const auto* text = reinterpret_cast<const char*>(value.data());
            ack.text.assign(text, strnlen(text, value.size()));
        } else if (attribute.nla_type == NLMSGERR_ATTR_OFFS && value.size() == sizeof(std::uint32_t)) {
            std::memcpy(&ack.offset.emplace(), value.data(), value.size());
        }
        at += NLA_ALIGN(attribute.nla_len);
    }
    return ack;
}

core::Result<Socket> Socket::open() {
    return open(NETLINK_NETFILTER);
}

core::Result<Socket> Socket::open(int bus) {
    core::base::Descriptor descriptor(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, bus));
    if (!descriptor.valid()) {
        const bool rules = bus == NETLINK_NETFILTER;
        return core::fail_os(rules ? "cannot open a netlink socket for nftables" : "cannot open a netlink socket",
                             errno,
                             rules ? "the kernel needs CONFIG_NETFILTER_NETLINK and CONFIG_NF_TABLES"
                                   : "the kernel needs CONFIG_INET_DIAG");
    }
    const int on = 1;
    // Extended acknowledgements carry the kernel's text. Capped ones leave out our own message, which we still have.
    setsockopt(descriptor.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
    setsockopt(descriptor.get(), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
    set_buffer(descriptor.get(), SO_SNDBUFFORCE, SO_SNDBUF, send_buffer);
    set_buffer(descriptor.get(), SO_RCVBUFFORCE, SO_RCVBUF, receive_buffer);
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (connect(descriptor.get(), reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) != 0) {
        return core::fail_os("cannot connect the netlink socket to the kernel", errno);
    }
    return Socket(std::move(descriptor));
}

Socket::Socket(core::base::Descriptor descriptor)
    : descriptor_(std::move(descriptor)),
      next_sequence_(static_cast<std::uint32_t>(std::chrono::system_clock::now().time_since_epoch().count() >> 20)),
      buffer_(part_max) {}

std::uint32_t Socket::take_sequences(std::uint32_t count) {
    if (next_sequence_ == 0 || next_sequence_ + count < next_sequence_) {
        next_sequence_ = 1;
    }
    const auto first = next_sequence_;
    next_sequence_ += count;
    return first;
}

std::uint32_t Socket::port() const {
    sockaddr_nl own{};
    socklen_t length = sizeof own;
    getsockname(descriptor_.get(), reinterpret_cast<sockaddr*>(&own), &length);
    return own.nl_pid;
}

void Socket::limit_send(int bytes) {
    setsockopt(descriptor_.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

void Socket::limit_receive(int bytes) {
    setsockopt(descriptor_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

core::Result<Replies> Socket::exchange(std::span<const std::byte> datagram) {
    if (auto sent = send(datagram); !sent) {
        return tl::unexpected(sent.error());
    }
    return drain();
}

core::Result<void> Socket::send(std::span<const std::byte> datagram) {
    ssize_t sent = 0;
    do {
        sent = ::send(descriptor_.get(), datagram.data(), datagram.size(), 0);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) {
        return core::fail_os(fmt::format("cannot send {} bytes to nftables", datagram.size()), errno,
                             errno == EMSGSIZE ? "use fewer changes in one transaction" : "");
    }
    return {};
}

core::Result<Replies> Socket::drain() {
    Replies replies;
    for (;;) {
        const auto size = recv(descriptor_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC);
        if (size >= 0 && static_cast<std::size_t>(size) <= buffer_.size()) {
            replies.bytes.insert(replies.bytes.end(), buffer_.begin(), buffer_.begin() + size);
        } else if (size >= 0 || errno == ENOBUFS) {
            replies.overrun = true;
        } else if (errno == EAGAIN) {
            return replies;
        } else if (errno != EINTR) {
            return core::fail_os("cannot read the answer of nftables", errno);
        }
    }
}

}  // namespace netfilter
