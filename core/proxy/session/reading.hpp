// Reading: whether a client takes its answer fast enough. A client that takes a few bytes a minute holds a server's
// connection until the rest fits the kernels' buffers. Judged once for each credit of time, by what the client's kernel
// has acknowledged. Our own buffer empties in lumps, so the length of a send says little.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/io/loop.hpp"
#include "core/net/socket.hpp"
#include "core/proxy/config/snapshot.hpp"

namespace core::proxy {

class Reading final : private io::Timer {
public:
    // client outlives it. rate 0: it does nothing.
    Reading(net::Socket& client, const BodyRate& rate) : client_(client), rate_(rate) {
        if (rate_.least > 0) {
            look_again();
        }
    }
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;
    ~Reading() override { client_.loop().wheel().clear(*this); }

    // The client was too slow, and its connection has been reset for that.
    [[nodiscard]] bool too_slow() const noexcept { return too_slow_; }

private:
    void look_again() {
        io::Loop& loop = client_.loop();
        loop.wheel().set(*this, loop.now() + std::max<io::Tick>(1, static_cast<io::Tick>(rate_.credit.count())));
    }
    // What waited one credit ago must have been acknowledged by now, or as much as the rate demands. Bytes that came
    // later are judged the next time, so a slow server costs the client nothing.
    void on_expire() override {
        const net::Socket::Progress now = client_.progress();
        const std::uint64_t least = rate_.least * static_cast<std::uint64_t>(rate_.credit.count()) / 1000;
        if (now.taken - before_.taken < std::min(before_.waiting, least)) {
            too_slow_ = true;
            client_.reset();
            return;
        }
        before_ = now;
        look_again();
    }

    net::Socket& client_;
    BodyRate rate_;
    net::Socket::Progress before_;
    bool too_slow_ = false;
};

}  // namespace core::proxy
