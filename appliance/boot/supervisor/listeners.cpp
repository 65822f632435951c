#include "appliance/boot/supervisor/listeners.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>

#include "netfilter/model/fence.hpp"

namespace appliance::boot {
namespace {

using core::base::Descriptor;

bool switch_on(int socket, int level, int option) {
    const int on = 1;
    return ::setsockopt(socket, level, option, &on, sizeof(on)) == 0;
}

std::string mend_for(int error) {
    switch (error) {
        case EADDRINUSE:
            return "stop the program that listens there (ss -ltnp names it) or change the address in [listen]";
        case EADDRNOTAVAIL:
            return "use an address in [listen] that a machine can have";
        case EACCES:
            return "start gatehouse as root, or with CAP_NET_BIND_SERVICE";
        case EAFNOSUPPORT:
            return "this kernel has no such addresses; take the listener out of [listen]";
        case EMFILE:
        case ENFILE:
            return "raise the limit of open files: LimitNOFILE= in the unit, ulimit -n in a shell";
        default:
            return "";
    }
}

core::Result<Descriptor> bind_socket(const core::Address& address, bool shared) {
    const std::string what = "cannot listen on " + address.text();
    Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // SO_REUSEADDR: sessions of an earlier run in TIME_WAIT do not keep the port. IPV6_V6ONLY: "[::]:80" beside
    // "0.0.0.0:80" are two listeners, as the configuration says.
    if (!socket.valid() || !switch_on(socket.get(), SOL_SOCKET, SO_REUSEADDR) ||
        (shared && !switch_on(socket.get(), SOL_SOCKET, SO_REUSEPORT)) ||
        (!address.is_v4() && !switch_on(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY)) ||
        // The address may come later: of a pair of machines, the other one has the shared address now. Needs no
        // privilege.
        !switch_on(socket.get(), address.is_v4() ? int{IPPROTO_IP} : int{IPPROTO_IPV6},
                   address.is_v4() ? IP_FREEBIND : IPV6_FREEBIND) ||
        !switch_on(socket.get(), IPPROTO_TCP, TCP_NODELAY)) {
        return core::fail_os(what, errno, mend_for(errno));
    }
    sockaddr_storage storage{};
    const socklen_t length = address.fill(storage);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
        return core::fail_os(what, errno, mend_for(errno));
    }
    return socket;
}

core::Result<Descriptor> listen_on(const core::Address& address) {
    auto socket = bind_socket(address, true);
    if (socket && ::listen(socket->get(), Listeners::backlog) != 0) {
        return core::fail_os("cannot listen on " + address.text(), errno, mend_for(errno));
    }
    return socket;
}

}  // namespace

core::Result<std::vector<int>> Listeners::open(const core::Address& address, std::size_t count) {
    if (count == 0 || count > count_max || address.port() == 0) {
        return core::fail("cannot listen on " + address.text(), "the request is out of range");
    }
    const auto known = sockets_.find(address);
    // A second Gatehouse of the same user could join our SO_REUSEPORT group, and take a share of the visitors
    // unnoticed. A first bind without that option fails where another process listens.
    if (known == sockets_.end()) {
        if (auto free = bind_socket(address, false); !free) {
            return tl::unexpected(std::move(free.error()));
        }
    }
    std::vector<Descriptor> fresh;
    for (std::size_t have = known == sockets_.end() ? 0 : known->second.size(); have < count; ++have) {
        auto socket = listen_on(address);
        if (!socket) {
            return tl::unexpected(std::move(socket.error()));
        }
        fresh.push_back(std::move(*socket));
    }
    auto& sockets = sockets_[address];
    for (Descriptor& socket : fresh) {
        sockets.push_back(std::move(socket));
    }
    std::vector<int> fds;
    std::transform(sockets.begin(), sockets.begin() + static_cast<std::ptrdiff_t>(count), std::back_inserter(fds),
                   [](const Descriptor& socket) { return socket.get(); });
    return fds;
}

void Listeners::close(const core::Address& address) {
    sockets_.erase(address);
}

void Listeners::close_all() {
    sockets_.clear();
}

void Listeners::adopt(const Handover::Listening& listening) {
    auto& sockets = sockets_[listening.address];
    for (const int fd : listening.sockets) {
        sockets.emplace_back(fd);
    }
}

std::vector<Handover::Listening> Listeners::list() const {
    std::vector<Handover::Listening> all;
    for (const auto& [address, sockets] : sockets_) {
        all.push_back({address, {}});
        for (const Descriptor& socket : sockets) {
            all.back().sockets.push_back(socket.get());
        }
    }
    return all;
}

void Listeners::keep_only(const std::set<core::Address>& addresses, std::size_t count) {
    std::erase_if(sockets_, [&](const auto& entry) { return !addresses.contains(entry.first); });
    for (auto& [address, sockets] : sockets_) {
        sockets.resize(std::min(sockets.size(), count));
    }
}

core::Result<std::vector<Descriptor>> make_probe_sockets(int family, std::size_t count) {
    std::vector<Descriptor> sockets;
    while (sockets.size() < count) {
        Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        const std::uint32_t mark = netfilter::probe_mark;
        if (!socket.valid() || ::setsockopt(socket.get(), SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) != 0) {
            return core::fail_os("cannot make sockets for probes", errno,
                                 errno == EPERM ? "give gatehouse CAP_NET_ADMIN" : mend_for(errno));
        }
        switch_on(socket.get(), IPPROTO_TCP, TCP_NODELAY);
        sockets.push_back(std::move(socket));
    }
    return sockets;
}

}  // namespace appliance::boot
