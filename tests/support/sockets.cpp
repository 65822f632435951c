#include "tests/support/sockets.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <thread>

namespace tests::support {

using core::base::Descriptor;

namespace {

void enable(int fd, int level, int option) {
    const int one = 1;
    static_cast<void>(::setsockopt(fd, level, option, &one, sizeof one));
}

}  // namespace

core::Result<Descriptor> listen_on(const core::Address& address) {
    Descriptor socket{::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    enable(socket.get(), SOL_SOCKET, SO_REUSEADDR);
    enable(socket.get(), IPPROTO_TCP, TCP_NODELAY);
    if (!address.is_v4()) {
        enable(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY);
    }
    sockaddr_storage storage{};
    const socklen_t length = address.fill(storage);
    if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0 ||
        ::listen(socket.get(), SOMAXCONN) != 0) {
        return core::fail_os("cannot listen on " + address.text(), errno);
    }
    return socket;
}

core::Result<Descriptor> connect_to(const core::Address& address) {
    Descriptor socket{::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0)};
    enable(socket.get(), IPPROTO_TCP, TCP_NODELAY);
    sockaddr_storage storage{};
    const socklen_t length = address.fill(storage);
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&storage), length) != 0) {
        return core::fail_os("cannot connect to " + address.text(), errno);
    }
    return socket;
}

void serve(int listener, const std::function<void(Descriptor)>& session) {
    for (;;) {
        Descriptor client{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
        if (client.valid()) {
            std::thread([session, held = std::move(client)]() mutable { session(std::move(held)); }).detach();
            continue;
        }
        if (errno == EMFILE || errno == ENFILE) {
            // Sessions end and give descriptors back; until then a pause keeps accept from spinning.
            ::poll(nullptr, 0, 10);
        } else if (errno != EINTR && errno != ECONNABORTED) {
            return;
        }
    }
}

bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) {
                continue;
            }
            return false;
        }
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
}

void pump(int from, int to) {
    std::array<char, 65536> buffer;
    for (;;) {
        const ssize_t got = ::recv(from, buffer.data(), buffer.size(), 0);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got == 0) {
            ::shutdown(to, SHUT_WR);
            return;
        }
        if (got < 0 || !send_all(to, {buffer.data(), static_cast<std::size_t>(got)})) {
            ::shutdown(from, SHUT_RDWR);
            ::shutdown(to, SHUT_RDWR);
            return;
        }
    }
}

void relay(int left, int right) {
    std::thread back([left, right] { pump(right, left); });
    pump(left, right);
    back.join();
}

}  // namespace tests::support
