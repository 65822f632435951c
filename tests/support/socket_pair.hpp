// Connected TCP sockets on loopback, for tests of rings on real sockets.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>

#include <utility>

#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/verify.hpp"

namespace tests {

// A listening socket on 127.0.0.1 (or ::1) with a port of the kernel's choosing.
inline core::base::Descriptor listen_on_loopback(core::Address& address, bool v6 = false, int backlog = 128) {
    core::base::Descriptor fd(::socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    socklen_t size = core::Address::parse_host(v6 ? "::1" : "127.0.0.1", 0)->fill(storage);
    VERIFY(::bind(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0);
    VERIFY(::listen(fd.get(), backlog) == 0);
    size = sizeof storage;
    VERIFY(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size) == 0);
    address = core::Address::from(storage);
    return fd;
}

inline core::base::Descriptor connect_to(const core::Address& address) {
    core::base::Descriptor fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_storage storage{};
    const socklen_t size = address.fill(storage);
    VERIFY(::connect(fd.get(), reinterpret_cast<sockaddr*>(&storage), size) == 0);
    return fd;
}

inline std::pair<core::base::Descriptor, core::base::Descriptor> socket_pair() {
    core::Address address;
    const core::base::Descriptor listening = listen_on_loopback(address);
    core::base::Descriptor client = connect_to(address);
    core::base::Descriptor server(::accept4(listening.get(), nullptr, nullptr, SOCK_CLOEXEC));
    VERIFY(server.valid());
    return {std::move(client), std::move(server)};
}

}  // namespace tests
