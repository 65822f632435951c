// Deadline: ends a socket, or only its receive, when its time is up. One for each thing that may take too long. After
// an aborted operation, the deadline tells whether it was the reason.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/duration.hpp"
#include "core/io/wheel.hpp"
#include "core/net/socket.hpp"

namespace core::net {

class Deadline final : private io::Timer {
public:
    enum class Effect : std::uint8_t {
        abort,           // the socket is of no use any more
        reset,           // the same, and the peer must not take a part for the whole
        cancel_receive,  // a response can still be sent: 408 for a head that never ends
    };

    // socket outlives the deadline.
    explicit Deadline(Socket& socket) noexcept : socket_(socket) {}
    ~Deadline() override { clear(); }

    // (Re)arms it: effect takes place duration (>= 1 ms) after the loop's now.
    void set(Milliseconds duration, Effect effect = Effect::abort) {
        effect_ = effect;
        expired_ = false;
        io::Loop& loop = socket_.loop();
        begun_ = loop.now();
        loop.wheel().set(*this, begun_ + static_cast<io::Tick>(duration.count()));
    }
    // Restarts its time where it is armed.
    void extend(Milliseconds duration) {
        if (armed()) {
            set(duration, effect_);
        }
    }
    // Disarms it; longest_wait() counts the wait.
    void clear() {
        if (armed()) {
            longest_wait_ = std::max(longest_wait_, socket_.loop().now() - begun_);
        }
        socket_.loop().wheel().clear(*this);
    }
    // The longest wait, in milliseconds, among those ended by clear() since forget_waits(). A wait begins at its last
    // set().
    [[nodiscard]] io::Tick longest_wait() const noexcept { return longest_wait_; }
    void forget_waits() noexcept { longest_wait_ = 0; }
    [[nodiscard]] bool expired() const noexcept { return expired_; }

private:
    void on_expire() override {
        expired_ = true;
        switch (effect_) {
            case Effect::abort:
                socket_.abort();
                break;
            case Effect::reset:
                socket_.reset();
                break;
            case Effect::cancel_receive:
                socket_.cancel_receive();
                break;
        }
    }

    Socket& socket_;
    Effect effect_ = Effect::abort;
    bool expired_ = false;
    io::Tick begun_ = 0;
    io::Tick longest_wait_ = 0;
};

}  // namespace core::net
