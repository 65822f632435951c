// Pace: whether a client sends its body fast enough. A limit for each silence alone would not do: one byte a minute
// could hold a session and a backend connection for hours. So waiting for the client uses up a credit of time, and
// every byte earns some back. Time in which the backend takes nothing is not counted. Of one worker.
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

    // The client is not waiting for us, so silence before its first byte counts too.
    void begin() noexcept { any_ = true; }
    // How long the wait that begins now may last, at least 1 ms: the credit, but no longer than patience. Before
    // begin() and the first byte it is patience alone, because the client may be waiting for a 100.
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
            // Bytes beyond a full credit are cut off before the multiplication.
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
