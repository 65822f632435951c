// Gathering: how many completions a busy loop waits for before it wakes (interrupt coalescing). Pure. Loop calls
// wanted() before a wait, and judge() after it.
//
// Each wake-up costs its sender an interrupt to our core, and us a switch to the worker and back. With one for each
// answer, wake-ups took a third of a small exchange's time (64 bytes over loopback, 64 connections: 0.9 wake-ups an
// exchange). So a loop with much in flight waits for a batch: a fixed part of what is in flight, for at most
// `patience`. When no completion comes in that time, the next one wakes the loop at once. The batch size is 1 while
// little is in flight. It is also 1 for `rest` rounds after a wait that brought few completions.
#pragma once

#include <algorithm>
#include <chrono>

namespace core::io {

class Gathering {
public:
    // The batch is a fourth of what is in flight. An exchange completes twice, with its request and its answer. So a
    // batch fills in an eighth of an exchange's duration.
    static constexpr unsigned part = 4;
    static constexpr unsigned wanted_max = 32;
    static constexpr unsigned company = 4;  // smaller batches are not worth a wait
    // The longest wait for a batch. A third more costs a tenth more where each request has a connection of its own:
    // client and server fall asleep then, and have to be woken.
    static constexpr std::chrono::microseconds patience{150};
    static constexpr unsigned rest = 64;  // rounds

    // in_flight: what the loop's owner waits for now, exchanges for example. Returns the number of completions to wait
    // for, at most for patience. 1: wait for the first, without that limit.
    [[nodiscard]] unsigned wanted(unsigned in_flight) noexcept {
        // The recent maximum, because clients that were just answered send their next requests together.
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

    // After a wait for more than one: came is the number of completions that it brought.
    void judge(unsigned came) noexcept {
        if (came < company) {
            resting_ = rest;
        }
    }

private:
    static constexpr unsigned scale = 16;  // of lately_, which falls by this part of itself in a round
    unsigned lately_ = 0;
    unsigned resting_ = 0;  // rounds left without batches
};

}  // namespace core::io
