// Operations: what a coroutine awaits on the ring. Each lives in the awaiting frame until its completion is back, so
// its memory is the kernel's for that time (rule R2: named types, no lambdas). Results are bytes or a negative errno.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <coroutine>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/io/buffers.hpp"
#include "core/io/completion.hpp"
#include "core/io/loop.hpp"

namespace core::io {

// Where an operation that is out can be found by whoever may have to end it; one slot for each direction of a socket.
class Operation;
struct OperationSlot {
    Operation* current = nullptr;
};

class Operation : public Completion {
public:
    Operation(Loop& loop, OperationSlot& slot) noexcept;
    // Ends the operation early; its result comes back through the loop all the same.
    virtual void cancel();

    [[nodiscard]] bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter);
    [[nodiscard]] int await_resume() const noexcept { return result_; }

protected:
    ~Operation() = default;
    virtual void submit() = 0;
    // Takes the result; returns false where the operation went out again and the waiter must stay asleep.
    virtual bool settle(int result, std::uint32_t flags);

    Loop& loop_;
    int result_ = 0;

private:
    static void on_complete(Completion& self, int result, std::uint32_t flags);
    OperationSlot& slot_;
    std::coroutine_handle<> waiter_;
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

// recv(2) into a buffer that the kernel picks when data is there. out is valid where the result is positive. With all
// buffers on loan it waits for one instead of failing.
class ReceiveLease final : public Operation, private LeaseWaiter {
public:
    ReceiveLease(Loop& loop, OperationSlot& slot, int fd, Lease& out) noexcept
        : Operation(loop, slot), fd_(fd), out_(out) {}
    void cancel() override;

private:
    void submit() override;
    bool settle(int result, std::uint32_t flags) override;
    void lease_returned() override;
    int fd_;
    Lease& out_;
    bool waiting_ = false;   // for a buffer to come back
    bool retrying_ = false;  // found none before
    bool cancelled_ = false;
};

// send(2) of everything (MSG_WAITALL: the kernel goes on after a short write, 5.19). Less than all only on an error.
class Send final : public Operation {
public:
    Send(Loop& loop, OperationSlot& slot, int fd, std::string_view bytes) noexcept
        : Operation(loop, slot), fd_(fd), bytes_(bytes) {}

private:
    void submit() override;
    int fd_;
    std::string_view bytes_;
};

// sendmsg(2) of up to four pieces, all of them.
class SendPieces final : public Operation {
public:
    SendPieces(Loop& loop, OperationSlot& slot, int fd, std::span<const std::string_view> pieces) noexcept;

private:
    void submit() override;
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
class Poll final : public Operation {
public:
    Poll(Loop& loop, OperationSlot& slot, int fd, short events) noexcept
        : Operation(loop, slot), fd_(fd), events_(events) {}

private:
    void submit() override;
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
