#include "core/net/socket.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>

#include "core/base/verify.hpp"

namespace core::net {
namespace {

// tcp_info::tcpi_state, from net/tcp_states.h of the kernel: the C library's header has no newer tcp_info.
enum class State : std::uint8_t { established = 1, closed = 7, close_wait = 8, last_ack = 9 };

}  // namespace

Socket::~Socket() {
    VERIFY(in_.current == nullptr && out_.current == nullptr);
}

io::Connect Socket::connect(const Address& to) {
    sockaddr_storage storage{};
    const socklen_t size = to.fill(storage);
    return {loop_, out_, fd_.get(), storage, size};
}

io::Poll Socket::readable() {
    return {loop_, in_, fd_.get(), POLLIN};
}

io::Poll Socket::writable() {
    return {loop_, out_, fd_.get(), POLLOUT};
}

void Socket::abort() {
    if (aborted_) {
        return;
    }
    aborted_ = true;
    ::shutdown(fd_.get(), SHUT_RDWR);  // so that operations started later fail too
    cancel_all();
}

void Socket::reset() {
    aborted_ = true;
    disconnect(fd_.get());  // SO_LINGER would not do: a shutdown before the close has already sent FIN
    cancel_all();
}

void Socket::cancel_all() {
    if (in_.current != nullptr) {
        in_.current->cancel();
    }
    if (out_.current != nullptr) {
        out_.current->cancel();
    }
}

void Socket::cancel_receive() {
    if (in_.current != nullptr) {
        in_.current->cancel();
    }
}

void Socket::shutdown_send() {
    finished_ = true;
    ::shutdown(fd_.get(), SHUT_WR);
}

Socket::Peer Socket::peer() const noexcept {
    static_assert(offsetof(tcp_info, tcpi_state) == 0 && sizeof(tcp_info::tcpi_state) == 1);
    auto state = State::closed;
    socklen_t size = sizeof state;
    ::getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &state, &size);
    if (state == State::closed) {
        return Peer::gone;
    }
    return state == State::close_wait || state == State::last_ack ? Peer::finished : Peer::there;
}

Socket::Progress Socket::progress() const noexcept {
    tcp_info info{};
    socklen_t size = sizeof info;
    if (::getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) {
        return {};
    }
    const std::uint64_t sent = info.tcpi_bytes_sent - info.tcpi_bytes_retrans;  // 4.19
    const std::uint64_t flying =
        info.tcpi_unacked == 0 ? 0 : sent - std::min<std::uint64_t>(sent, info.tcpi_bytes_acked);
    return {info.tcpi_bytes_acked, flying + info.tcpi_notsent_bytes};
}

bool Socket::broken_off() const noexcept {
    return !finished_ && peer() == Peer::gone;
}

bool Socket::quiet() const {
    char byte = 0;
    const ssize_t got = ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && errno == EAGAIN;
}

base::Descriptor Socket::release() {
    VERIFY(in_.current == nullptr && out_.current == nullptr);
    return std::move(fd_);
}

void disconnect(int fd) noexcept {
    sockaddr nowhere{};
    nowhere.sa_family = AF_UNSPEC;
    ::connect(fd, &nowhere, sizeof nowhere);
}

void free_port(int fd) noexcept {
    tcp_info info{};
    socklen_t size = sizeof info;
    const bool known = ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0;
    const bool open = known && State{info.tcpi_state} == State::established;
    if (open && info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0) {
        disconnect(fd);
    }
}

void keep_alive(int fd) noexcept {
    constexpr int on = 1;
    constexpr int idle = 60;  // seconds, like the next
    constexpr int interval = 10;
    constexpr int count = 3;
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

bool is_shortage(int error) noexcept {
    switch (error) {
        case EADDRNOTAVAIL:  // no port is free for this peer
        case EMFILE:
        case ENFILE:
        case ENOMEM:
        case ENOBUFS:
            return true;
        default:
            return false;
    }
}

Result<base::Descriptor> open_socket(int family) {
    base::Descriptor fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
    if (!fd.valid()) {
        return fail_os("cannot open a socket", errno, "raise the limit of open files (LimitNOFILE=)");
    }
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

int bind_source(int fd, const Address& source) noexcept {
    const int on = 1;
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);  // of IPv6 sockets too
    sockaddr_storage storage{};
    const socklen_t size = source.with_port(0).fill(storage);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) == 0 ? 0 : -errno;
}

const Address* source_of(std::span<const Address> sources, int family, std::size_t turn) noexcept {
    const auto fits = [family](const Address& source) { return source.family() == family; };
    const auto count = static_cast<std::size_t>(std::count_if(sources.begin(), sources.end(), fits));
    if (count == 0) {
        return nullptr;
    }
    auto found = std::find_if(sources.begin(), sources.end(), fits);
    for (std::size_t left = turn % count; left > 0; --left) {
        found = std::find_if(found + 1, sources.end(), fits);
    }
    return &*found;
}

Address local_of(int fd) noexcept {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
        return {};
    }
    return Address::from(storage);
}

Address peer_of(int fd) noexcept {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
        return {};
    }
    return Address::from(storage);
}

}  // namespace core::net
