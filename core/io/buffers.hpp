// Buffers: receive memory from which the kernel picks when data arrives (a provided-buffer ring). So an idle session
// holds none. A Lease is one buffer on loan.
// Growth: when a receive fails with ENOBUFS, the number of published buffers doubles, up to count.
// Shrinking: every review_every, buffers beyond twice that period's largest demand become surplus. Each is retired as
// it comes back, and its memory returned to the system. The kernel uses all published buffers in turn, so few of them
// stay warm in the cache.
#pragma once

#include <liburing.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "core/base/result.hpp"
#include "core/io/wheel.hpp"

namespace core::io {

struct BufferOptions {
    std::uint32_t count = 4096;      // power of two, at most 32768
    std::uint32_t size = 16 * 1024;  // bytes each; also the longest head that a session can hold
    std::uint32_t published = 64;    // how many the kernel has at first and at least; doubles when it runs out
};

class Buffers;

// One buffer on loan; gives it back at the end of its life. Must not outlive its Buffers.
class Lease {
public:
    Lease() = default;
    Lease(Buffers& home, std::uint16_t id) noexcept : home_(&home), id_(id) {}
    Lease(Lease&& other) noexcept : home_(std::exchange(other.home_, nullptr)), id_(other.id_) {}
    Lease& operator=(Lease&& other) noexcept;
    ~Lease() { release(); }

    [[nodiscard]] bool valid() const noexcept { return home_ != nullptr; }
    [[nodiscard]] std::span<char> bytes() const noexcept;
    void release() noexcept;

private:
    Buffers* home_ = nullptr;
    std::uint16_t id_ = 0;
};

// Waits for a buffer to be returned, to try again.
class LeaseWaiter {
public:
    virtual void lease_returned() = 0;

protected:
    ~LeaseWaiter() = default;
};

class Buffers {
public:
    static constexpr int group = 0;
    // Milliseconds between two reviews, so that buffers do not come and go between two bursts.
    static constexpr Tick review_every = 10'000;

    static Result<std::unique_ptr<Buffers>> create(io_uring& ring, const BufferOptions& options);
    Buffers(const Buffers&) = delete;
    Buffers& operator=(const Buffers&) = delete;
    ~Buffers();

    // The lease for the buffer that a completion's flags name (IORING_CQE_F_BUFFER).
    [[nodiscard]] Lease lease(std::uint32_t completion_flags) noexcept;
    // A round of the loop begins; now: its clock.
    void begin_round(Tick now) noexcept;
    // After -ENOBUFS. True: there are buffers now. False: waiter was enlisted. All failures of one round share the
    // buffers that the first one has published.
    bool more_or_wait(LeaseWaiter& waiter);
    void stop_waiting(LeaseWaiter& waiter) noexcept;

    [[nodiscard]] std::uint32_t on_loan() const noexcept { return on_loan_; }
    [[nodiscard]] std::uint32_t published() const noexcept { return published_; }

private:
    friend class Lease;
    Buffers(io_uring& ring, const BufferOptions& options);
    void publish(std::uint16_t id) noexcept;
    void publish_up_to(std::uint32_t target) noexcept;
    void retire(std::uint16_t id) noexcept;
    void give_back(std::uint16_t id) noexcept;
    [[nodiscard]] std::span<char> bytes(std::uint16_t id) const noexcept;

    io_uring& uring_;
    BufferOptions options_;
    io_uring_buf_ring* ring_ = nullptr;
    char* memory_ = nullptr;
    std::uint32_t published_ = 0;
    std::uint32_t on_loan_ = 0;
    std::vector<std::uint16_t> retired_;  // no longer published; with the published ones, always the first ids
    std::uint32_t surplus_ = 0;           // how many to retire as they come back
    std::uint32_t unclaimed_ = 0;         // published in this round, and not yet promised to a failed receive
    std::uint32_t wanted_ = 0;            // on loan when this round began, plus those taken in it
    std::uint32_t wanted_most_ = 0;       // since the last review
    Tick reviewed_ = 0;
    std::vector<LeaseWaiter*> waiters_;
};

}  // namespace core::io
