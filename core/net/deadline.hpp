// Deadline: ends a socket when its time is up. One per thing that may take too long; whoever sees an aborted operation
// asks the deadline whether it was the reason.
#pragma once

#include "core/base/duration.hpp"
#include "core/io/wheel.hpp"
#include "core/net/socket.hpp"

namespace core::net {

class Deadline final : private io::Timer {
public:
    // socket outlives the deadline.
    explicit Deadline(Socket& socket) noexcept : socket_(socket) {}
    ~Deadline() override { clear(); }

    // (Re)arms it: the socket is aborted once duration (>= 1 ms) has passed from the loop's now.
    void set(Milliseconds duration) {
        io::Loop& loop = socket_.loop();
        loop.wheel().set(*this, loop.now() + static_cast<io::Tick>(duration.count()));
    }
    void clear() { socket_.loop().wheel().clear(*this); }
    [[nodiscard]] bool expired() const noexcept { return expired_; }

private:
    void on_expire() override {
        expired_ = true;
        socket_.abort();
    }

    Socket& socket_;
    bool expired_ = false;
};

}  // namespace core::net
