// Gathering: for how many completions a busy loop waits before it wakes, as network cards do with their interrupts.
// Pure; Loop asks it before a wait, and tells it afterwards what came.
//
// A wake-up costs its sender an interrupt to our core, and us a switch to the worker and back. Taken for each answer,
// that was a third of a small exchange (64 bytes over loopback, 64 connections: 0.9 wake-ups an exchange). So while
// much is in flight, a loop that has just worked waits for a part of it together. The first completion after a pause is
// never kept waiting, and neither is one that has no company: where little is in flight, or little comes, the loop
// wakes with each, as always.
#pragma once

#include <algorithm>
#include <chrono>

namespace core::io {

class Gathering {
public:
    // How much of what is in flight. An exchange completes twice, its request and its answer, so a fourth of them is
    // there in an eighth of the time that one takes.
    static constexpr unsigned part = 4;
    static constexpr unsigned wanted_max = 32;
    static constexpr unsigned company = 4;  // fewer than these are not worth a wait
    // How long one wait may take, for when those in flight are slower than that. A third more costs a tenth more where
    // each request has a connection of its own: client and server fall asleep meanwhile, and we have to wake them.
    static constexpr std::chrono::microseconds patience{150};
    static constexpr unsigned rest = 64;  // rounds

    // in_flight: what the loop's owner waits for at this time, exchanges and the like. How many completions to wait
    // for, at most for patience; 1: for the first, however long that takes.
    [[nodiscard]] unsigned wanted(unsigned in_flight) noexcept {
        // The most of late, for clients that have just been answered come again together.
        lately_ = std::max(in_flight * scale, lately_ - lately_ / scale);
        const unsigned some = std::min(lately_ / scale / part, wanted_max);
        if (some < company) {
            return 1;
        }
        if (resting_ > 0) {
            --resting_;
            return 1;
        }
        return some;
    }

    // After a wait for more than one: came is what it brought.
    void judge(unsigned came) noexcept {
        if (came < company) {
            resting_ = rest;
        }
    }

private:
    static constexpr unsigned scale = 16;  // of lately_, which goes down by so much of itself in a round
    unsigned lately_ = 0;
    unsigned resting_ = 0;  // rounds without
};

}  // namespace core::io
