#include "core/io/operation.hpp"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "core/base/verify.hpp"

namespace core::io {

namespace {

std::size_t total(std::span<const std::string_view> pieces) noexcept {
    return std::accumulate(pieces.begin(), pieces.end(), std::size_t{0},
                           [](std::size_t sum, std::string_view piece) { return sum + piece.size(); });
}

}  // namespace

Operation::Operation(Loop& loop, OperationSlot& slot) noexcept : Completion(&on_complete), loop_(loop), slot_(slot) {}

void Operation::enlist(std::coroutine_handle<> waiter) noexcept {
    VERIFY(slot_.current == nullptr);  // one operation each way at a time
    slot_.current = this;
    waiter_ = waiter;
}

void Operation::await_suspend(std::coroutine_handle<> waiter) {
    enlist(waiter);
    submit();
}

void Operation::cancel() {
    loop_.cancel(*this);
}

bool Operation::settle(int result, std::uint32_t) {
    result_ = result;
    return true;
}

void Operation::on_complete(Completion& self, int result, std::uint32_t flags) {
    auto& operation = static_cast<Operation&>(self);
    if (operation.settle(result, flags)) {
        operation.slot_.current = nullptr;
        operation.waiter_.resume();  // may end the operation's life
    }
}

void Receive::submit() {
    io_uring_sqe* sqe = loop_.entry(*this);
    io_uring_prep_recv(sqe, fd_, into_.data(), into_.size(), 0);
    io_uring_sqe_set_data(sqe, static_cast<Completion*>(this));
}

void ReceiveIntoLease::submit() {
    io_uring_sqe* sqe = loop_.entry(*this);
    io_uring_prep_recv(sqe, fd_, nullptr, 0, 0);
    io_uring_sqe_set_data(sqe, static_cast<Completion*>(this));
    sqe->ioprio |= poll_first_ ? IORING_RECVSEND_POLL_FIRST : 0;
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = Buffers::group;
}

bool ReceiveIntoLease::settle(int result, std::uint32_t flags) {
    if (result == -ENOBUFS && !cancelled_) {
        if (loop_.buffers().more_or_wait(*this)) {
            submit();
        } else {
            waiting_ = true;
        }
        return false;
    }
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        out_ = loop_.buffers().lease(flags);
        if (result <= 0) {
            out_.release();
        }
    }
    return Operation::settle(cancelled_ && result == -ENOBUFS ? -ECANCELED : result, flags);
}

void ReceiveIntoLease::lease_returned() {
    waiting_ = false;
    poll_first_ = true;  // the socket must have data before it may take one of the few buffers
    submit();
}

void ReceiveIntoLease::cancel() {
    cancelled_ = true;
    if (waiting_) {
        waiting_ = false;
        loop_.buffers().stop_waiting(*this);
        loop_.defer(*this, -ECANCELED);
        return;
    }
    Operation::cancel();
}

void ReceiveAhead::await_suspend(std::coroutine_handle<> waiter) {
    awaited_ = true;
    enlist(waiter);
}

bool ReceiveAhead::settle(int result, std::uint32_t flags) {
    settled_ = ReceiveIntoLease::settle(result, flags);
    if (settled_ && abandoned_) {
        delete this;
        return false;
    }
    return settled_ && awaited_;
}

void ReceiveAhead::abandon(std::unique_ptr<ReceiveAhead> ahead) noexcept {
    if (!ahead->settled_) {
        ahead->abandoned_ = true;
        ReceiveAhead* const left = ahead.release();
        if (!left->loop_.withdraw(*left)) {
            left->cancel();
        }
    }
}

bool Patient::submit_later() {
    if (cancelled_) {
        return false;
    }
    pause_ = std::clamp<Tick>(pause_ * 2, 1, pause_max);
    loop_.wheel().set(*this, loop_.now() + pause_);
    return true;
}

void Patient::cancel() {
    cancelled_ = true;
    if (armed()) {
        loop_.wheel().clear(*this);
        loop_.defer(*this, -ECANCELED);
    } else {
        Operation::cancel();
    }
}

int Sending::flags() const noexcept {
    return MSG_NOSIGNAL | (home().poll_blind ? MSG_DONTWAIT : MSG_WAITALL);
}

bool Sending::settle(int result, std::uint32_t flags) {
    if (result > 0) {
        const auto count = static_cast<std::size_t>(result);
        sent_ += count;
        left_ -= count;
        advance(count);
        made_progress();
    }
    if (left_ > 0 && (result >= 0 || result == -EAGAIN)) {
        home().poll_blind = true;
        if (submit_later()) {
            return false;
        }
        result = -ECANCELED;
    }
    return Operation::settle(sent_ > 0 ? static_cast<int>(sent_) : result, flags);
}

void Send::submit() {
    io_uring_sqe* sqe = loop_.prompt_entry(*this);
    io_uring_prep_send(sqe, fd_, bytes_.data(), bytes_.size(), flags());
    io_uring_sqe_set_data(sqe, static_cast<Completion*>(this));
}

SendPieces::SendPieces(Loop& loop, OperationSlot& slot, int fd, std::span<const std::string_view> pieces) noexcept
    : Sending(loop, slot, total(pieces)), fd_(fd) {
    VERIFY(pieces.size() <= pieces_.size());
    for (const std::string_view piece : pieces) {
        pieces_[message_.msg_iovlen++] = {const_cast<char*>(piece.data()), piece.size()};
    }
    message_.msg_iov = pieces_.data();
}

void SendPieces::submit() {
    io_uring_sqe* sqe = loop_.prompt_entry(*this);
    io_uring_prep_sendmsg(sqe, fd_, &message_, static_cast<unsigned>(flags()));
    io_uring_sqe_set_data(sqe, static_cast<Completion*>(this));
}

void SendPieces::advance(std::size_t count) noexcept {
    for (iovec& piece : pieces_) {
        const std::size_t gone = std::min(count, piece.iov_len);
        piece.iov_base = static_cast<char*>(piece.iov_base) + gone;
        piece.iov_len -= gone;
        count -= gone;
    }
}

void Connect::submit() {
    io_uring_sqe* sqe = loop_.entry(*this);
    io_uring_prep_connect(sqe, fd_, reinterpret_cast<sockaddr*>(&to_), size_);
    io_uring_sqe_set_data(sqe, static_cast<Completion*>(this));
}

void Poll::submit() {
    io_uring_sqe* sqe = loop_.entry(*this);
    io_uring_prep_poll_add(sqe, fd_, static_cast<unsigned>(events_));
    io_uring_sqe_set_data(sqe, static_cast<Completion*>(this));
}

bool Poll::settle(int result, std::uint32_t flags) {
    const bool asked_for = result < 0 || (result & (events_ | POLLERR | POLLHUP | POLLNVAL)) != 0;
    return asked_for || !submit_later() ? Operation::settle(result, flags) : false;
}

void Sleep::submit() {
    if (until_ <= loop_.now()) {
        loop_.defer(*this, 0);
    } else {
        loop_.wheel().set(*this, until_);
    }
}

void Sleep::on_expire() {
    complete(0, 0);
}

void Sleep::cancel() {
    if (armed()) {
        loop_.wheel().clear(*this);
        loop_.defer(*this, -ECANCELED);
    }
}

}  // namespace core::io
