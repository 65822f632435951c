// Loop: one io_uring, one thread. The only place that waits in the kernel. run_once dispatches everything that a worker
// does: operations, timers, letters from other threads.
#pragma once

#include <liburing.h>

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "core/io/buffers.hpp"
#include "core/io/completion.hpp"
#include "core/io/gathering.hpp"
#include "core/io/wheel.hpp"

namespace core::io {

struct LoopOptions {
    unsigned entries = 1024;      // submission queue; a full one is submitted early, so this limits nothing else
    unsigned completions = 8192;  // completion queue; the kernel keeps an overflow beyond it
    BufferOptions buffers;
    bool restricted = true;  // allow only the operations that this folder uses
};

class Loop {
public:
    // Makes the ring on the calling thread, which must be the one that runs it (IORING_SETUP_SINGLE_ISSUER). Errors:
    // io_uring forbidden or missing (names the setting), not enough memory.
    static Result<std::unique_ptr<Loop>> create(const LoopOptions& options);
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    // Every operation must have completed; see pending().
    ~Loop();

    // Submits what is queued, waits for a completion or timer, and dispatches all there are. longest: milliseconds.
    // With much in flight it waits for several completions together, for a short time at most; see Gathering.
    void run_once(Tick longest);
    // Runs until done() holds, asking after each round.
    template <typename Predicate>
    void run_until(Predicate done) {
        while (!done()) {
            run_once(1000);
        }
    }

    // For operations: a cleared submission entry; its result goes to completion.
    io_uring_sqe* entry(Completion& completion);
    // The same for an operation that mostly completes during submission, such as a send.
    io_uring_sqe* prompt_entry(Completion& completion);
    // Asks the kernel to end the operation of target. Its completion still comes, mostly with -ECANCELED.
    void cancel(Completion& target);
    // Turns target's queued entry into one that does nothing; its completion comes with 0. False: the kernel has it
    // already, or there is none. A queued entry names its file by the number alone, so withdraw it before that file is
    // closed. Submitting it instead may fail for lack of memory.
    bool withdraw(Completion& target) noexcept;
    // Completes target with result from the loop, in this or the next round. For operations that need no kernel.
    void defer(Completion& target, int result);

    [[nodiscard]] Wheel& wheel() noexcept { return wheel_; }
    [[nodiscard]] Buffers& buffers() noexcept { return *buffers_; }
    // The steady clock as of the last wake-up, in milliseconds.
    [[nodiscard]] Tick now() const noexcept { return now_; }
    // Whether the kernel counts its waiting as idle time and not as iowait (Linux 6.15 and later).
    [[nodiscard]] bool waits_quietly() const noexcept { return waits_quietly_; }
    // Operations that the kernel still holds.
    [[nodiscard]] std::uint32_t pending() const noexcept { return pending_; }

private:
    friend class Flight;
    Loop();
    void submit();
    io_uring_sqe* raw_entry();
    int submit_and_wait(unsigned wanted, __kernel_timespec& timeout);
    unsigned wait(Tick longest, unsigned wanted);
    void dispatch_deferred();
    bool dispatch_one();

    struct Deferred {
        Completion* target;
        int result;
    };

    io_uring ring_{};
    bool waits_quietly_ = false;  // its waiting is not counted as iowait
    std::uint32_t pending_ = 0;
    Tick now_;
    Wheel wheel_;
    std::unique_ptr<Buffers> buffers_;
    std::vector<Deferred> deferred_;
    std::vector<Deferred> dispatching_;
    Gathering gathering_;
    unsigned in_flight_ = 0;
    unsigned prompt_ = 0;  // queued entries that complete during submission
};

// Something that the loop's owner waits for, an exchange for example, while it lives. With enough of them the loop
// gathers completions. May be empty. The loop outlives it.
class Flight {
public:
    Flight() = default;
    explicit Flight(Loop& loop) noexcept : loop_(&loop) { ++loop.in_flight_; }
    Flight(Flight&& other) noexcept : loop_(std::exchange(other.loop_, nullptr)) {}
    Flight& operator=(Flight&& other) noexcept {
        std::swap(loop_, other.loop_);
        return *this;
    }
    ~Flight() {
        if (loop_ != nullptr) {
            --loop_->in_flight_;
        }
    }

private:
    Loop* loop_ = nullptr;
};

// The steady clock in milliseconds.
Tick steady_now() noexcept;

}  // namespace core::io
