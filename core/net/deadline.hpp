// Deadline: ends a socket, or only its receive, when its time is up. One per thing that may take too long; whoever sees
// an aborted operation asks the deadline whether it was the reason.
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
        reset,           // the same, and the peer must not take what it got for whole
        cancel_receive,  // the peer is to be told so first: 408 for a head that never ends
    };

    // socket outlives the deadline.
    explicit Deadline(Socket& socket) noexcept : socket_(socket) {}
    ~Deadline() override { clear(); }

    // (Re)arms it: effect comes once duration (>= 1 ms) has passed from the loop's now.
    void set(Milliseconds duration, Effect effect = Effect::abort) {
        effect_ = effect;
        expired_ = false;
        io::Loop& loop = socket_.loop();
        begun_ = loop.now();
        loop.wheel().set(*this, begun_ + static_cast<io::Tick>(duration.count()));
    }
    // Where it is armed, its time begins anew.
    void extend(Milliseconds duration) {
        if (armed()) {
            set(duration, effect_);
        }
    }
    // The same as never armed, but for longest_wait().
    void clear() {
        if (armed()) {
            longest_wait_ = std::max(longest_wait_, socket_.loop().now() - begun_);
        }
        socket_.loop().wheel().clear(*this);
    }
    // Of the waits that ended with clear() since forget_waits(): from its last set(), milliseconds.
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
