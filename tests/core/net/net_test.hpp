// NetTest: a loop and one connection. Our end is a Socket on the loop, the peer's a plain blocking socket.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <memory>
#include <string>

#include "core/io/task.hpp"
#include "core/net/socket.hpp"
#include "tests/support/socket_pair.hpp"

namespace core::net::testing {

class NetTest : public ::testing::Test {
protected:
    static constexpr io::Tick patience = 5000;

    void SetUp() override {
        auto made = io::Loop::create({.buffers = {.count = 4, .size = 1024, .published = 2}});
        if (!made) {
            GTEST_SKIP() << made.error().line();
        }
        loop_ = std::move(*made);
        auto [client, server] = tests::socket_pair();
        socket_ = std::make_unique<Socket>(*loop_, std::move(client));
        peer_ = std::move(server);
    }
    // Runs the loop until done() holds; false where it does not within five seconds.
    template <typename Predicate>
    bool run_until(Predicate done) {
        const io::Tick bound = io::steady_now() + patience;
        while (!done() && io::steady_now() < bound) {
            loop_->run_once(50);
        }
        return done();
    }
    // Runs until group is empty. If that does not happen, aborts the socket, so that no operation is left behind.
    void run(const io::TaskGroup& group) {
        if (!run_until([&] { return group.empty(); })) {
            ADD_FAILURE() << "an operation has not ended in five seconds";
            socket_->abort();
            loop_->run_until([&] { return group.empty(); });
        }
    }

    std::unique_ptr<io::Loop> loop_;
    std::unique_ptr<Socket> socket_;
    base::Descriptor peer_;
};

inline io::Task<void> receive_some(Socket& socket, std::string& into, int& result) {
    result = co_await socket.receive(std::span(into));
}

inline io::Task<void> receive_leased(Socket& socket, io::Lease& lease, int& result) {
    result = co_await socket.receive(lease);
}

inline io::Task<void> send_all(Socket& socket, std::string_view bytes, int& result) {
    result = co_await socket.send(bytes);
}

inline io::Task<void> send_all(Socket& socket, std::span<const std::string_view> pieces, int& result) {
    result = co_await socket.send(pieces);
}

inline io::Task<void> await_room(Socket& socket, int& result) {
    result = co_await socket.writable();
}

inline io::Task<void> connect(Socket& socket, Address to, int& result) {
    result = co_await socket.connect(to);
}

// What ended the peer's receive: "" for FIN, else the error's text. Gives up after five seconds.
inline std::string end_of(int fd) {
    const timeval patience{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char memory[4096];
    ssize_t got = 0;
    while ((got = ::recv(fd, memory, sizeof memory, 0)) > 0) {
    }
    return got == 0 ? "" : strerrorname_np(errno);
}

// Waits until fd has something to read or has ended.
inline bool readable(int fd) {
    pollfd waiting{fd, POLLIN, 0};
    return ::poll(&waiting, 1, 5000) == 1;
}

}  // namespace core::net::testing
