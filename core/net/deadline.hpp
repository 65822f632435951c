// Deadline: ends a socket, or only its receive, when its time is up. One per thing that may take too long; whoever sees
// an aborted operation asks the deadline whether it was the reason.
#pragma once

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
        loop.wheel().set(*this, loop.now() + static_cast<io::Tick>(duration.count()));
    }
    void clear() { socket_.loop().wheel().clear(*this); }
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
};

}  // namespace core::net
