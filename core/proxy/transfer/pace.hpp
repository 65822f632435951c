// Pace: whether a client brings its body fast enough. A client that may be silent for a minute between two bytes could
// hold a session, a request and a backend connection for hours; so waiting for it spends a credit of time, and every
// byte earns some back. What we make it wait for, because the backend takes nothing, costs it nothing. Of one worker.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/duration.hpp"
#include "core/io/wheel.hpp"
#include "core/proxy/config/snapshot.hpp"

namespace core::proxy {

class Pace {
public:
    explicit Pace(const BodyRate& rate) noexcept : rate_(rate), credit_(rate.credit) {}

    // The client waits for nothing itself: silence before its first byte counts too.
    void begin() noexcept { any_ = true; }
    // How long the wait that begins now may last, at least 1 ms: the credit, but no longer than patience. Before
    // begin() and the first byte it is patience alone: the client may be waiting for a 100 itself.
    [[nodiscard]] Milliseconds begin_wait(io::Tick now, Milliseconds patience) noexcept {
        begun_ = now;
        return rate_.least == 0 || !any_ ? patience : std::max(std::min(patience, credit_), Milliseconds(1));
    }
    void end_wait(io::Tick now) noexcept {
        credit_ -= any_ ? Milliseconds(static_cast<std::int64_t>(now - begun_)) : Milliseconds(0);
    }
    void received(std::uint64_t bytes) noexcept {
        any_ = true;
        if (rate_.least > 0) {
            // More than what fills the credit is cut before it is multiplied.
            const std::uint64_t full = rate_.least * (static_cast<std::uint64_t>(rate_.credit.count()) / 1000 + 1);
            const auto earned = static_cast<std::int64_t>(std::min(bytes, full) * 1000 / rate_.least);
            credit_ = std::min(rate_.credit, std::max(credit_, Milliseconds(0)) + Milliseconds(earned));
        }
    }

private:
    BodyRate rate_;
    Milliseconds credit_;
    io::Tick begun_ = 0;
    bool any_ = false;
};

}  // namespace core::proxy
