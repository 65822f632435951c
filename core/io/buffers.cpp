#include "core/io/buffers.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/base/verify.hpp"

namespace core::io {

Lease& Lease::operator=(Lease&& other) noexcept {
    if (this != &other) {
        release();
        home_ = std::exchange(other.home_, nullptr);
        id_ = other.id_;
    }
    return *this;
}

std::span<char> Lease::bytes() const noexcept {
    return home_->bytes(id_);
}

void Lease::release() noexcept {
    if (home_ != nullptr) {
        std::exchange(home_, nullptr)->give_back(id_);
    }
}

Buffers::Buffers(io_uring& ring, const BufferOptions& options) : uring_(ring), options_(options) {}

Result<std::unique_ptr<Buffers>> Buffers::create(io_uring& ring, const BufferOptions& options) {
    VERIFY(options.count != 0 && (options.count & (options.count - 1)) == 0 && options.count <= 32768);
    VERIFY(options.published != 0 && options.published <= options.count);
    std::unique_ptr<Buffers> buffers(new Buffers(ring, options));
    const std::size_t ring_bytes = options.count * sizeof(io_uring_buf);
    void* const ring_memory = ::mmap(nullptr, ring_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    void* const memory = ::mmap(nullptr, std::size_t{options.count} * options.size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ring_memory == MAP_FAILED || memory == MAP_FAILED) {
        return fail_os("cannot map receive buffers", errno);
    }
    buffers->ring_ = static_cast<io_uring_buf_ring*>(ring_memory);
    buffers->memory_ = static_cast<char*>(memory);
    io_uring_buf_ring_init(buffers->ring_);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uintptr_t>(ring_memory);
    registration.ring_entries = options.count;
    registration.bgid = group;
    if (const int result = io_uring_register_buf_ring(&ring, &registration, 0); result < 0) {
        return fail_os("cannot register receive buffers", -result, "Gatehouse needs Linux 6.1 or later");
    }
    buffers->retired_.reserve(options.count);
    buffers->publish_up_to(options.published);
    return buffers;
}

Buffers::~Buffers() {
    VERIFY(on_loan_ == 0);
    if (memory_ != nullptr) {
        io_uring_unregister_buf_ring(&uring_, group);
        ::munmap(ring_, options_.count * sizeof(io_uring_buf));
        ::munmap(memory_, std::size_t{options_.count} * options_.size);
    }
}

void Buffers::publish(std::uint16_t id) noexcept {
    const std::span<char> buffer = bytes(id);
    io_uring_buf_ring_add(ring_, buffer.data(), options_.size, id, io_uring_buf_ring_mask(options_.count), 0);
    io_uring_buf_ring_advance(ring_, 1);
}

void Buffers::publish_up_to(std::uint32_t target) noexcept {
    for (; published_ < target; ++published_) {
        if (retired_.empty()) {
            publish(static_cast<std::uint16_t>(published_));
        } else {
            publish(retired_.back());
            retired_.pop_back();
        }
    }
}

// Returns its memory to the system, where it is whole pages.
void Buffers::retire(std::uint16_t id) noexcept {
    static const auto page = static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE));
    if (options_.size % page == 0) {
        const std::span<char> buffer = bytes(id);
        ::madvise(buffer.data(), buffer.size(), MADV_DONTNEED);
    }
    retired_.push_back(id);
    --published_;
}

void Buffers::begin_round(Tick now) noexcept {
    unclaimed_ = 0;
    wanted_most_ = std::max(wanted_most_, wanted_);
    wanted_ = on_loan_;
    if (now - reviewed_ >= review_every) {
        const std::uint32_t enough = std::max(options_.published, 2 * wanted_most_);
        surplus_ = published_ > enough ? published_ - enough : 0;
        wanted_most_ = 0;
        reviewed_ = now;
    }
}

Lease Buffers::lease(std::uint32_t completion_flags) noexcept {
    VERIFY((completion_flags & IORING_CQE_F_BUFFER) != 0);
    ++on_loan_;
    ++wanted_;
    return Lease(*this, static_cast<std::uint16_t>(completion_flags >> IORING_CQE_BUFFER_SHIFT));
}

void Buffers::give_back(std::uint16_t id) noexcept {
    VERIFY(on_loan_ > 0);
    --on_loan_;
    if (surplus_ > 0) {
        --surplus_;
        retire(id);
        return;
    }
    publish(id);
    // Wakes all waiters: one with an idle socket takes no buffer, and would leave the others asleep beside a free one.
    std::vector<LeaseWaiter*> waiters;
    waiters.swap(waiters_);
    for (LeaseWaiter* const waiter : waiters) {
        waiter->lease_returned();
    }
}

bool Buffers::more_or_wait(LeaseWaiter& waiter) {
    surplus_ = 0;
    if (unclaimed_ > 0) {
        --unclaimed_;
        return true;
    }
    if (published_ < options_.count) {
        const std::uint32_t before = published_;
        publish_up_to(std::min(options_.count, before * 2));
        unclaimed_ = published_ - before - 1;
        return true;
    }
    if (on_loan_ < published_) {
        return true;  // one was returned after the kernel's answer
    }
    waiters_.push_back(&waiter);
    return false;
}

void Buffers::stop_waiting(LeaseWaiter& waiter) noexcept {
    waiters_.erase(std::remove(waiters_.begin(), waiters_.end(), &waiter), waiters_.end());
}

std::span<char> Buffers::bytes(std::uint16_t id) const noexcept {
    return {memory_ + std::size_t{id} * options_.size, options_.size};
}

}  // namespace core::io
