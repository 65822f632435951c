#include "appliance/control/observe/presence.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace appliance::control {
namespace {

struct RouteQuestion {
    nlmsghdr head{};
    rtmsg route{};
    rtattr destination{};
    std::array<std::uint8_t, 16> address{};
};

RouteQuestion ask_about(const core::Address& address) {
    const std::size_t size = address.is_v4() ? 4 : 16;
    RouteQuestion question;
    question.head.nlmsg_len = static_cast<std::uint32_t>(offsetof(RouteQuestion, address) + size);
    question.head.nlmsg_type = RTM_GETROUTE;
    question.head.nlmsg_flags = NLM_F_REQUEST;
    question.route.rtm_family = static_cast<unsigned char>(address.family());
    question.route.rtm_dst_len = static_cast<unsigned char>(8 * size);
    question.destination.rta_type = RTA_DST;
    question.destination.rta_len = static_cast<unsigned short>(RTA_LENGTH(size));
    std::copy_n(address.bytes().begin(), size, question.address.begin());
    return question;
}

// A route that refuses is a route away from here too: unreachable, prohibit, blackhole, or none.
Presence read_refusal_of_route(int error) {
    switch (error) {
        case ENETUNREACH:
        case EHOSTUNREACH:
        case EACCES:
        case EINVAL:
        case ESRCH:
            return Presence::absent;
        default:
            return Presence::unknown;
    }
}

Presence read_route(const char* bytes, std::size_t size) {
    nlmsghdr head{};
    if (size < sizeof(head)) {
        return Presence::unknown;
    }
    std::memcpy(&head, bytes, sizeof(head));
    if (head.nlmsg_type == NLMSG_ERROR && size >= NLMSG_HDRLEN + sizeof(nlmsgerr)) {
        nlmsgerr refusal{};
        std::memcpy(&refusal, bytes + NLMSG_HDRLEN, sizeof(refusal));
        return read_refusal_of_route(-refusal.error);
    }
    if (head.nlmsg_type == RTM_NEWROUTE && size >= NLMSG_HDRLEN + sizeof(rtmsg)) {
        rtmsg route{};
        std::memcpy(&route, bytes + NLMSG_HDRLEN, sizeof(route));
        return route.rtm_type == RTN_LOCAL || route.rtm_type == RTN_ANYCAST ? Presence::here : Presence::absent;
    }
    return Presence::unknown;
}

}  // namespace

LocalAddresses::LocalAddresses() : socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE)) {}

Presence LocalAddresses::find(const core::Address& address) {
    const auto& bytes = address.bytes();
    if (std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; })) {
        return Presence::here;
    }
    const RouteQuestion question = ask_about(address);
    if (::send(socket_.get(), &question, question.head.nlmsg_len, 0) < 0) {
        return Presence::unknown;
    }
    // The kernel has answered by the time that the send returns.
    std::array<char, 4096> answer{};
    const ssize_t got = ::recv(socket_.get(), answer.data(), answer.size(), MSG_DONTWAIT);
    return got < 0 ? Presence::unknown : read_route(answer.data(), static_cast<std::size_t>(got));
}

std::string explain(Presence presence, const core::Address& address) {
    switch (presence) {
        case Presence::here:
            return "";
        case Presence::absent:
            return address.host() + " is not an address of this machine yet, so nobody can reach this listener";
        case Presence::unknown:
            return "it is not known whether " + address.host() + " is an address of this machine";
    }
    return "";
}

}  // namespace appliance::control
