// ping_pong: echoes small messages over many TCP connections, at the least cost that one thread can reach. So a
// measurement shows mostly what lies between the two ends. Used by redirect_bench.py.
//
//     ping_pong serve ADDRESS:PORT...                        answers each message with itself, until it is ended
//     ping_pong load ADDRESS:PORT CONNECTIONS SECONDS        one message in flight on each; prints exchanges per second
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"

namespace {

using core::Address;
using core::base::Descriptor;
using Clock = std::chrono::steady_clock;

constexpr std::size_t message_size = 64;
constexpr int events_max = 256;

int checked(int result, const char* what) {
    return result >= 0 ? result : throw std::runtime_error(fmt::format("{}: {}", what, strerror(errno)));
}

Address parse(const char* text) {
    auto address = Address::parse(text);
    return address ? *address : throw std::runtime_error(address.error().line());
}

Descriptor make_socket(const Address& address) {
    Descriptor made(checked(socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    const int yes = 1;
    setsockopt(made.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return made;
}

class Poll {
public:
    Poll() : descriptor_(checked(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")) {}
    void add(int fd) {
        epoll_event wanted{EPOLLIN, {.fd = fd}};
        checked(epoll_ctl(descriptor_.get(), EPOLL_CTL_ADD, fd, &wanted), "epoll_ctl");
    }
    // Calls on_ready(fd) for each that is readable; at most `patience_ms`.
    template <typename OnReady>
    void wait(int patience_ms, OnReady on_ready) {
        std::array<epoll_event, events_max> events{};
        const int count = epoll_wait(descriptor_.get(), events.data(), events_max, patience_ms);
        for (int i = 0; i < count; ++i) {
            on_ready(events.at(static_cast<std::size_t>(i)).data.fd);
        }
    }

private:
    Descriptor descriptor_;
};

void serve(const std::vector<Address>& addresses) {
    Poll poll;
    std::vector<Descriptor> listeners;
    std::set<int> listening;
    for (const Address& address : addresses) {
        auto made = make_socket(address);
        sockaddr_storage storage{};
        const auto length = address.fill(storage);
        checked(bind(made.get(), reinterpret_cast<sockaddr*>(&storage), length), "bind");
        checked(listen(made.get(), 4096), "listen");
        poll.add(made.get());
        listening.insert(made.get());
        listeners.push_back(std::move(made));
    }
    std::array<char, 4096> bytes{};
    for (;;) {
        poll.wait(-1, [&](int fd) {
            if (listening.contains(fd)) {
                Descriptor peer(checked(accept4(fd, nullptr, nullptr, SOCK_CLOEXEC), "accept"));
                const int yes = 1;
                setsockopt(peer.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
                poll.add(peer.release());
                return;
            }
            const auto size = recv(fd, bytes.data(), bytes.size(), MSG_DONTWAIT);
            if (size > 0) {
                static_cast<void>(send(fd, bytes.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL));
            } else if (size == 0 || errno != EAGAIN) {
                close(fd);
            }
        });
    }
}

// Counts the bytes that came back, not messages: small messages are seldom split, but may be.
double load(const Address& address, std::size_t connections, std::chrono::seconds seconds) {
    Poll poll;
    std::vector<Descriptor> open;
    const std::array<char, message_size> message{};
    for (std::size_t i = 0; i < connections; ++i) {
        auto made = make_socket(address);
        sockaddr_storage storage{};
        const auto length = address.fill(storage);
        checked(connect(made.get(), reinterpret_cast<sockaddr*>(&storage), length), "connect");
        poll.add(made.get());
        open.push_back(std::move(made));
    }
    const auto begun = Clock::now();
    for (const auto& each : open) {
        checked(static_cast<int>(send(each.get(), message.data(), message.size(), MSG_NOSIGNAL)), "send");
    }
    std::uint64_t bytes = 0;
    std::array<char, 4096> into{};
    while (Clock::now() - begun < seconds) {
        poll.wait(100, [&](int fd) {
            const auto size = recv(fd, into.data(), into.size(), MSG_DONTWAIT);
            if (size <= 0 && errno != EAGAIN) {
                throw std::runtime_error("a connection ended");
            }
            if (size > 0) {
                bytes += static_cast<std::uint64_t>(size);
                checked(static_cast<int>(send(fd, message.data(), static_cast<std::size_t>(size), MSG_NOSIGNAL)),
                        "send");
            }
        });
    }
    const std::chrono::duration<double> spent = Clock::now() - begun;
    return static_cast<double>(bytes) / message_size / spent.count();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const std::vector<std::string> words(argv + 1, argv + argc);
        if (words.size() >= 2 && words[0] == "serve") {
            std::vector<Address> addresses;
            for (int i = 2; i < argc; ++i) {
                addresses.push_back(parse(argv[i]));
            }
            serve(addresses);
        } else if (words.size() == 4 && words[0] == "load") {
            fmt::print("{:.0f}\n",
                       load(parse(argv[2]), std::stoul(words[2]), std::chrono::seconds(std::stoi(words[3]))));
        } else {
            fmt::print(stderr,
                       "usage: ping_pong serve ADDRESS:PORT... | ping_pong load ADDRESS:PORT CONNECTIONS SECONDS\n");
            return 2;
        }
    } catch (const std::exception& error) {
        fmt::print(stderr, "ping_pong: {}\n", error.what());
        return 1;
    }
    return 0;
}
