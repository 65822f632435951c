// Wheel: the timers of one worker, hierarchical, O(1) to set and to clear. Pure: callers pass the time in, so tests
// control it. Linked timeouts of the ring cost 75 to 95 % per operation; this costs one store.
#pragma once

#include <array>
#include <cstdint>

namespace core::io {

// Milliseconds on the loop's steady clock; only differences have a meaning.
using Tick = std::uint64_t;

// A node of the wheel, embedded in its owner. on_expire runs on the loop's thread, with the timer already cleared.
class Timer {
public:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

    [[nodiscard]] bool armed() const noexcept { return home_ != nullptr; }
    [[nodiscard]] Tick expiry() const noexcept { return expiry_; }

protected:
    virtual ~Timer();
    virtual void on_expire() = 0;

private:
    friend class Wheel;
    Timer* next_ = nullptr;
    Timer** link_ = nullptr;  // the pointer that points here, for unlinking in O(1)
    class Wheel* home_ = nullptr;
    Tick expiry_ = 0;  // the owner's; may be later than the slot's
    Tick filed_ = 0;   // the expiry that the slot was chosen for
    std::uint16_t slot_ = 0;
};

class Wheel {
public:
    explicit Wheel(Tick now) noexcept : now_(now) {}
    Wheel(const Wheel&) = delete;
    Wheel& operator=(const Wheel&) = delete;
    ~Wheel();

    // (Re)arms timer for expiry. Moving an armed timer later only stores the number: the node files itself again when
    // its old slot comes up. A time in the past fires at the next advance.
    void set(Timer& timer, Tick expiry) noexcept;
    void clear(Timer& timer) noexcept;

    // Fires all that is due at now, in no particular order within a tick. Timers may be set and cleared meanwhile.
    void advance(Tick now);

    // The earliest time at which advance may have work; never later than the earliest expiry. UINT64_MAX: no timer.
    [[nodiscard]] Tick next() const noexcept;
    [[nodiscard]] Tick now() const noexcept { return now_; }
    [[nodiscard]] std::uint32_t size() const noexcept { return size_; }

private:
    static constexpr unsigned slot_bits = 6;
    static constexpr unsigned slots = 1U << slot_bits;  // per level; one bitmap word each
    static constexpr unsigned levels = 6;               // 1 ms to 64^6 ms, two years

    void file(Timer& timer, Tick expiry) noexcept;
    void unlink(Timer& timer) noexcept;
    void drain(unsigned level, unsigned slot);
    void step_to(Tick now);

    Tick now_;
    std::uint32_t size_ = 0;
    std::array<std::uint64_t, levels> occupied_{};
    std::array<std::array<Timer*, slots>, levels> lists_{};
};

}  // namespace core::io
