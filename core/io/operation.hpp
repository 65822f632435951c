// Operations: what a coroutine awaits on the ring. Each lives in the awaiting frame until its completion has come, and
// the kernel may use its memory until then. (Rule R2: named types, no lambdas.) Results are bytes or a negative errno.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "core/io/buffers.hpp"
#include "core/io/completion.hpp"
#include "core/io/frames.hpp"
#include "core/io/loop.hpp"

namespace core::io {

// Holds the running operation, so that other code can cancel it. One slot for each direction of a socket.
class Operation;
struct OperationSlot {
    Operation* current = nullptr;
    bool poll_blind = false;  // the kernel cannot wait for room to send here; see Patient
};

class Operation : public Completion {
public:
    Operation(Loop& loop, OperationSlot& slot) noexcept;
    // Ends the operation early. Its result still comes through the loop.
    virtual void cancel();

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter);
    [[nodiscard]] int await_resume() const noexcept { return result_; }

protected:
    ~Operation() = default;
    // Sets the coroutine that on_complete wakes, and enters the operation in its slot.
    void enlist(std::coroutine_handle<> waiter) noexcept;
    virtual void submit() = 0;
    // Takes the result. False: the operation was submitted again, and the waiter must stay asleep.
    virtual bool settle(int result, std::uint32_t flags);

    [[nodiscard]] OperationSlot& home() const noexcept { return slot_; }

    Loop& loop_;
    int result_ = 0;

private:
    static void on_complete(Completion& self, int result, std::uint32_t flags);
    OperationSlot& slot_;
    std::coroutine_handle<> waiter_;
};

// An operation that may have to wait for room to send. io_uring cannot wait for that after the peer's FIN: each of its
// polls also looks for EPOLLRDHUP (IO_POLL_UNMASK), which stays set from then on. A poll returns at once. A send tries
// 128 times in a row, and returns short or with EAGAIN. So we wait ourselves, with growing pauses.
class Patient : public Operation, private Timer {
public:
    using Operation::Operation;
    void cancel() override;

protected:
    ~Patient() override = default;
    // Submits again after a pause of 1 ms, which doubles each time up to pause_max. False: cancelled, nothing follows.
    bool submit_later();
    void made_progress() noexcept { pause_ = 0; }

private:
    static constexpr Tick pause_max = 256;  // milliseconds: 10 000 peers that never read cost 40 000 tries a second
    void on_expire() override { submit(); }
    Tick pause_ = 0;
    bool cancelled_ = false;
};

// recv(2) into memory of the caller's. 0: the peer has ended its side.
class Receive final : public Operation {
public:
    Receive(Loop& loop, OperationSlot& slot, int fd, std::span<char> into) noexcept
        : Operation(loop, slot), fd_(fd), into_(into) {}

private:
    void submit() override;
    int fd_;
    std::span<char> into_;
};

// When data is expected. later: the kernel waits before its first try, which saves a failed one.
enum class Data : std::uint8_t { now, later };

// recv(2) into a buffer that the kernel picks when data has come. out is valid where the result is positive. With all
// buffers on loan it waits for one and does not fail.
class ReceiveIntoLease : public Operation, private LeaseWaiter {
public:
    ReceiveIntoLease(Loop& loop, OperationSlot& slot, int fd, Lease& out, Data data = Data::now) noexcept
        : Operation(loop, slot), fd_(fd), out_(out), poll_first_(data == Data::later) {}
    void cancel() override;

protected:
    ~ReceiveIntoLease() = default;
    void submit() override;
    bool settle(int result, std::uint32_t flags) override;

private:
    void lease_returned() override;
    int fd_;
    Lease& out_;
    bool waiting_ = false;  // for a buffer to come back
    bool poll_first_;
    bool cancelled_ = false;
};

// The same, for awaiting where it is made.
class ReceiveLease final : public ReceiveIntoLease {
public:
    using ReceiveIntoLease::ReceiveIntoLease;
};

// A receive that runs before it is awaited, on an idle connection. It shows without a system call whether the
// connection has stayed quiet. Its owner calls abandon() if it was not awaited.
class ReceiveAhead final : public ReceiveIntoLease {
public:
    // socket's fd may be closed after abandon(). slot is used from the await on.
    ReceiveAhead(Loop& loop, OperationSlot& slot, int fd) noexcept
        : ReceiveIntoLease(loop, slot, fd, lease_, Data::later) {
        submit();
    }
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* memory, std::size_t size) noexcept { free_frame(memory, size); }
    // Ends it, and frees it once the kernel has completed it: here, or in a later round of the loop.
    static void abandon(std::unique_ptr<ReceiveAhead> ahead) noexcept;

    // Nothing has come as of the loop's last wake-up: no bytes, no end, no error.
    [[nodiscard]] bool quiet() const noexcept { return !settled_; }
    // What came, once it has been awaited with a positive result.
    [[nodiscard]] Lease take() noexcept { return std::move(lease_); }

    [[nodiscard]] bool await_ready() const noexcept { return settled_; }
    void await_suspend(std::coroutine_handle<> waiter);

private:
    bool settle(int result, std::uint32_t flags) override;
    Lease lease_;
    bool awaited_ = false;
    bool settled_ = false;
    bool abandoned_ = false;
};

// Sends everything (MSG_WAITALL: the kernel continues after a short write, 5.19). Less only on an error.
class Sending : public Patient {
protected:
    Sending(Loop& loop, OperationSlot& slot, std::size_t size) noexcept : Patient(loop, slot), left_(size) {}
    ~Sending() override = default;
    [[nodiscard]] int flags() const noexcept;

private:
    bool settle(int result, std::uint32_t flags) final;
    // The first count bytes of the rest have been sent.
    virtual void advance(std::size_t count) noexcept = 0;
    std::size_t left_;
    std::size_t sent_ = 0;
};

// send(2).
class Send final : public Sending {
public:
    Send(Loop& loop, OperationSlot& slot, int fd, std::string_view bytes) noexcept
        : Sending(loop, slot, bytes.size()), fd_(fd), bytes_(bytes) {}

private:
    void submit() override;
    void advance(std::size_t count) noexcept override { bytes_.remove_prefix(count); }
    int fd_;
    std::string_view bytes_;
};

// sendmsg(2) of up to four pieces, all of them.
class SendPieces final : public Sending {
public:
    SendPieces(Loop& loop, OperationSlot& slot, int fd, std::span<const std::string_view> pieces) noexcept;

private:
    void submit() override;
    void advance(std::size_t count) noexcept override;
    int fd_;
    msghdr message_{};
    std::array<iovec, 4> pieces_{};
};

// connect(2). 0, or a negative errno.
class Connect final : public Operation {
public:
    Connect(Loop& loop, OperationSlot& slot, int fd, const sockaddr_storage& to, socklen_t size) noexcept
        : Operation(loop, slot), fd_(fd), to_(to), size_(size) {}

private:
    void submit() override;
    int fd_;
    sockaddr_storage to_;
    socklen_t size_;
};

// poll(2) for one of events (POLLIN, POLLOUT). The events that came, or a negative errno.
class Poll final : public Patient {
public:
    Poll(Loop& loop, OperationSlot& slot, int fd, short events) noexcept
        : Patient(loop, slot), fd_(fd), events_(events) {}

private:
    void submit() override;
    bool settle(int result, std::uint32_t flags) override;
    int fd_;
    short events_;
};

// Wakes at a time of the loop's clock, or earlier when cancelled (-ECANCELED); otherwise 0.
class Sleep final : public Operation, private Timer {
public:
    Sleep(Loop& loop, OperationSlot& slot, Tick until) noexcept : Operation(loop, slot), until_(until) {}
    void cancel() override;

private:
    void submit() override;
    void on_expire() override;
    Tick until_;
};

}  // namespace core::io
