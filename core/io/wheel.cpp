#include "core/io/wheel.hpp"

#include <algorithm>
#include <bit>
#include <limits>

#include "core/base/verify.hpp"

namespace core::io {

Timer::~Timer() {
    if (home_ != nullptr) {
        home_->clear(*this);
    }
}

Wheel::~Wheel() {
    VERIFY(size_ == 0);
}

void Wheel::set(Timer& timer, Tick expiry) noexcept {
    timer.expiry_ = expiry;
    if (timer.home_ != nullptr) {
        VERIFY(timer.home_ == this);
        if (expiry >= timer.filed_) {
            return;  // its old slot comes up first, and then it is filed again
        }
        unlink(timer);
    }
    file(timer, expiry);
}

void Wheel::clear(Timer& timer) noexcept {
    if (timer.home_ != nullptr) {
        unlink(timer);
    }
}

// The level is that of the highest bit that differs from now: all nodes of a slot share the bits above.
void Wheel::file(Timer& timer, Tick expiry) noexcept {
    constexpr Tick span = Tick{1} << (slot_bits * levels);
    const Tick at = std::min(std::max(expiry, now_ + 1), now_ + span / 2);
    const Tick changed = at ^ now_;
    unsigned level = static_cast<unsigned>(63 - std::countl_zero(changed)) / slot_bits;
    level = std::min(level, levels - 1);
    const unsigned slot = static_cast<unsigned>(at >> (level * slot_bits)) & (slots - 1);
    Timer*& head = lists_[level][slot];
    timer.next_ = head;
    if (head != nullptr) {
        head->link_ = &timer.next_;
    }
    head = &timer;
    timer.link_ = &head;
    timer.home_ = this;
    timer.filed_ = at;
    timer.slot_ = static_cast<std::uint16_t>(level * slots + slot);
    occupied_[level] |= std::uint64_t{1} << slot;
    ++size_;
}

void Wheel::unlink(Timer& timer) noexcept {
    *timer.link_ = timer.next_;
    if (timer.next_ != nullptr) {
        timer.next_->link_ = timer.link_;
    }
    const unsigned level = timer.slot_ / slots;
    const unsigned slot = timer.slot_ % slots;
    if (lists_[level][slot] == nullptr) {
        occupied_[level] &= ~(std::uint64_t{1} << slot);
    }
    timer.next_ = nullptr;
    timer.link_ = nullptr;
    timer.home_ = nullptr;
    --size_;
}

void Wheel::drain(unsigned level, unsigned slot) {
    // Terminates: a refiled node lies at least one tick ahead of now_, and so never in now_'s slot.
    while (Timer* timer = lists_[level][slot]) {
        unlink(*timer);
        if (timer->expiry_ > now_) {
            file(*timer, timer->expiry_);
        } else {
            timer->on_expire();
        }
    }
}

// Moves the clock to a tick at which some slot is due. Empties the slots of that tick from the top level down.
void Wheel::step_to(Tick now) {
    now_ = now;
    for (unsigned level = levels; level-- > 0;) {
        const Tick below = (Tick{1} << (level * slot_bits)) - 1;
        if ((now & below) == 0) {
            drain(level, static_cast<unsigned>(now >> (level * slot_bits)) & (slots - 1));
        }
    }
}

void Wheel::advance(Tick now) {
    for (Tick due = next(); due <= now; due = next()) {
        step_to(due);
    }
    now_ = std::max(now_, now);
}

Tick Wheel::next() const noexcept {
    Tick earliest = std::numeric_limits<Tick>::max();
    for (unsigned level = 0; level < levels; ++level) {
        if (occupied_[level] == 0) {
            continue;
        }
        const unsigned shift = level * slot_bits;
        const unsigned current = static_cast<unsigned>(now_ >> shift) & (slots - 1);
        // Bits behind the current slot, in order; a slot at or before it belongs to the next turn of this level.
        const std::uint64_t turned = std::rotr(occupied_[level], static_cast<int>((current + 1) & (slots - 1)));
        const Tick ahead = static_cast<Tick>(std::countr_zero(turned)) + 1;
        earliest = std::min(earliest, ((now_ >> shift) + ahead) << shift);
    }
    return earliest;
}

}  // namespace core::io
