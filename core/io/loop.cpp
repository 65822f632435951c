#include "core/io/loop.hpp"

#include <sys/prctl.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>

#include "core/base/verify.hpp"
#include "core/io/restrictions.hpp"

namespace core::io {
namespace {

// Sends that may wait in the submission queue for the end of a round; more are submitted at once.
constexpr unsigned prompt_max = 8;
// Completions of one round. Operations submitted within it may complete within it, and timers must have their turn.
constexpr unsigned round_max = 4096;

// Linux 6.15; the headers of Debian 12 and 13 do not have these yet.
constexpr unsigned feature_no_iowait = 1U << 17;  // IORING_FEAT_NO_IOWAIT
constexpr unsigned enter_no_iowait = 1U << 7;     // IORING_ENTER_NO_IOWAIT

const char* mend_for_ring(int error) noexcept {
    switch (error) {
        case EPERM:
        case EACCES:
        case ENOSYS:
            return "allow it: sysctl kernel.io_uring_disabled=0 (or =1 with this user in kernel.io_uring_group), and "
                   "a container's seccomp profile must permit io_uring_setup, io_uring_enter and io_uring_register";
        case EMFILE:
        case ENFILE:
            return "raise the limit of open files: LimitNOFILE= in the unit, ulimit -n in a shell, or fs.file-max";
        case ENOMEM:
            return "give it more memory, or lock less elsewhere (LimitMEMLOCK=, ulimit -l)";
        default:
            return "Gatehouse needs Linux 6.1 or later";
    }
}

// A seccomp profile may allow a ring to be made and not entered. submit() could only abort then.
int try_out(io_uring& ring) {
    io_uring_prep_nop(io_uring_get_sqe(&ring));
    io_uring_cqe* cqe = nullptr;
    int result = io_uring_submit(&ring);
    do {
        result = result < 0 && result != -EINTR ? result : io_uring_wait_cqe(&ring, &cqe);
    } while (result == -EINTR);
    if (result == 0) {
        io_uring_cqe_seen(&ring, cqe);
    }
    return result;
}

// Whether the entries are in their natural order, as liburing sets it up; else only liburing can queue them.
bool in_order(const io_uring& ring) noexcept {
    for (unsigned at = 0; at < ring.sq.ring_entries; ++at) {
        if (ring.sq.array[at] != at) {
            return false;
        }
    }
    return true;
}

}  // namespace

Tick steady_now() noexcept {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<Tick>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

Loop::Loop() : now_(steady_now()), wheel_(now_) {}

Result<std::unique_ptr<Loop>> Loop::create(const LoopOptions& options) {
    io_uring_params params{};
    // SINGLE_ISSUER and DEFER_TASKRUN (kernel 6.1): completions run when we wait for them, without interrupting us.
    // SUBMIT_ALL: one bad entry does not hold back the rest. CLAMP: a size above the maximum becomes the maximum.
    params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                   IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_R_DISABLED;
    params.cq_entries = options.completions;
    std::unique_ptr<Loop> loop(new Loop());
    const int made = io_uring_queue_init_params(options.entries, &loop->ring_, &params);
    if (made < 0) {
        loop->ring_.ring_fd = -1;
        return fail_os("cannot create an io_uring", -made, mend_for_ring(-made));
    }
    loop->waits_quietly_ = (params.features & feature_no_iowait) != 0 && in_order(loop->ring_);
    // The kernel may prolong a wait by the timer slack, 50 µs as a rule. That is much compared with
    // Gathering::patience.
    ::prctl(PR_SET_TIMERSLACK, 1'000UL);
    if (const int enabled = enable(loop->ring_, options.restricted); enabled < 0) {
        return fail_os("cannot enable the io_uring", -enabled, mend_for_ring(-enabled));
    }
    if (const int tried = try_out(loop->ring_); tried < 0) {
        return fail_os("cannot use the io_uring", -tried, mend_for_ring(-tried));
    }
    auto buffers = Buffers::create(loop->ring_, options.buffers);
    if (!buffers) {
        return tl::unexpected(buffers.error());
    }
    loop->buffers_ = std::move(*buffers);
    return loop;
}

Loop::~Loop() {
    VERIFY(pending_ == 0);
    if (ring_.ring_fd >= 0) {
        buffers_.reset();
        io_uring_queue_exit(&ring_);
    }
}

// A full queue is submitted, nothing more. Completions are never processed inside "get an entry": that could resume an
// operation while its caller still prepares another.
io_uring_sqe* Loop::raw_entry() {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    while (sqe == nullptr) {
        submit();
        sqe = io_uring_get_sqe(&ring_);
    }
    return sqe;
}

void Loop::submit() {
    const int submitted = io_uring_submit(&ring_);
    VERIFY(submitted >= 0 || submitted == -EINTR || submitted == -EAGAIN || submitted == -EBUSY);
    prompt_ = 0;
}

io_uring_sqe* Loop::entry(Completion& completion) {
    io_uring_sqe* sqe = raw_entry();
    io_uring_prep_nop(sqe);
    io_uring_sqe_set_data(sqe, &completion);
    ++pending_;
    return sqe;
}

io_uring_sqe* Loop::prompt_entry(Completion& completion) {
    io_uring_sqe* sqe = entry(completion);
    ++prompt_;
    return sqe;
}

void Loop::cancel(Completion& target) {
    io_uring_sqe* sqe = raw_entry();
    io_uring_prep_cancel(sqe, &target, 0);
    io_uring_sqe_set_data(sqe, nullptr);  // the target's result says it all
}

bool Loop::withdraw(Completion& target) noexcept {
    // All entries behind the kernel's head are ours, also those that a submit left behind. Only this thread submits.
    const unsigned ready = io_uring_sq_ready(&ring_);
    for (unsigned at = ring_.sq.sqe_tail - ready; at != ring_.sq.sqe_tail; ++at) {
        io_uring_sqe& sqe = ring_.sq.sqes[at & ring_.sq.ring_mask];
        if (sqe.user_data == reinterpret_cast<std::uintptr_t>(&target)) {
            io_uring_prep_nop(&sqe);
            io_uring_sqe_set_data(&sqe, &target);
            return true;
        }
    }
    return false;
}

void Loop::defer(Completion& target, int result) {
    deferred_.push_back({&target, result});
}

void Loop::dispatch_deferred() {
    dispatching_.swap(deferred_);
    for (const Deferred& item : dispatching_) {
        item.target->complete(item.result, 0);
    }
    dispatching_.clear();
}

bool Loop::dispatch_one() {
    io_uring_cqe* cqe = nullptr;
    if (io_uring_peek_cqe(&ring_, &cqe) != 0) {
        return false;
    }
    auto* completion = static_cast<Completion*>(io_uring_cqe_get_data(cqe));
    const int result = cqe->res;
    const std::uint32_t flags = cqe->flags;
    io_uring_cqe_seen(&ring_, cqe);
    if (completion != nullptr) {
        if ((flags & IORING_CQE_F_MORE) == 0) {
            VERIFY(pending_ > 0);
            --pending_;
        }
        completion->complete(result, flags);
    }
    return true;
}

// A worker that waits for visitors does not wait for a disk: where the kernel supports it, its idle time is not counted
// as iowait. liburing supports that from 2.10 on, so its submit-and-wait is written out here.
int Loop::submit_and_wait(unsigned wanted, __kernel_timespec& timeout) {
    if (!waits_quietly_) {
        io_uring_cqe* cqe = nullptr;
        return io_uring_submit_and_wait_timeout(&ring_, &cqe, wanted, &timeout, nullptr);
    }
    io_uring_sq& queue = ring_.sq;
    if (queue.sqe_head != queue.sqe_tail) {
        queue.sqe_head = queue.sqe_tail;
        std::atomic_ref(*queue.ktail).store(queue.sqe_tail, std::memory_order_release);
    }
    const unsigned queued = io_uring_sq_ready(&ring_);
    if (queued == 0 && io_uring_cq_ready(&ring_) >= wanted) {
        return 0;
    }
    io_uring_getevents_arg argument{};
    argument.ts = reinterpret_cast<std::uintptr_t>(&timeout);
    return io_uring_enter2(static_cast<unsigned>(ring_.ring_fd), queued, wanted,
                           IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG | enter_no_iowait,
                           reinterpret_cast<sigset_t*>(&argument), sizeof argument);
}

// Returns once wanted completions are there, or the time is over: longest (milliseconds) for the first one,
// Gathering::patience for more. Returns how many are there.
unsigned Loop::wait(Tick longest, unsigned wanted) {
    __kernel_timespec timeout{};
    if (wanted == 1) {
        timeout.tv_sec = static_cast<std::int64_t>(longest / 1000);
        timeout.tv_nsec = static_cast<std::int64_t>(longest % 1000) * 1'000'000;
    } else {
        timeout.tv_nsec = std::chrono::nanoseconds(Gathering::patience).count();
    }
    const unsigned prompt = wanted == 1 ? 0 : prompt_;
    prompt_ = 0;
    const int waited = submit_and_wait(wanted + prompt, timeout);
    VERIFY(waited >= 0 || waited == -ETIME || waited == -EINTR || waited == -EAGAIN || waited == -EBUSY);
    const unsigned ready = io_uring_cq_ready(&ring_);
    if (wanted > 1) {
        gathering_.judge(ready > prompt ? ready - prompt : 0);
    }
    return ready;
}

void Loop::run_once(Tick longest) {
    const Tick next = wheel_.next();
    Tick time = deferred_.empty() ? longest : 0;
    if (next != UINT64_MAX) {
        time = std::min(time, next > now_ ? next - now_ : 0);
    }
    const bool at_once = time == 0 || io_uring_cq_ready(&ring_) > 0;
    const unsigned wanted = at_once ? 1 : gathering_.wanted(in_flight_);
    if (wait(time, wanted) == 0 && wanted > 1) {
        wait(time, 1);
    }
    now_ = steady_now();
    buffers_->begin_round(now_);
    dispatch_deferred();
    for (unsigned left = round_max; left > 0 && dispatch_one(); --left) {
        if (prompt_ >= prompt_max) {
            submit();  // so that their peers can begin while we process the rest
        }
    }
    wheel_.advance(now_);
}

}  // namespace core::io
