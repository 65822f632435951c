#include "core/proxy/transfer/splice.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "core/base/verify.hpp"

namespace core::proxy {
namespace {

constexpr auto reset = net::Deadline::Effect::reset;
// A large pipe pays from this many bytes on, moved and still to move. A full pipe does not show it: a page with a few
// bytes takes a whole slot of the pipe.
constexpr std::uint64_t grown_after = 1 << 20;

void sign_of_life(SpliceMove& move) {
    if (move.watch == SpliceMove::Watch::idle) {
        move.from_deadline.set(move.from_patience, move.from_effect);
        move.to_deadline.set(move.to_patience, reset);
    }
}

// False where our side ended the wait: a deadline, a drain, a cancelled receive.
io::Task<bool> await_source(SpliceMove& move) {
    const io::Loop& loop = move.from.loop();
    Pace* const pace = move.from_pace;
    if (move.watch == SpliceMove::Watch::each_wait) {
        move.from_deadline.set(pace == nullptr ? move.from_patience : pace->begin_wait(loop.now(), move.from_patience),
                               move.from_effect);
    }
    const int ready = co_await move.from.readable();
    if (move.watch == SpliceMove::Watch::each_wait) {
        move.from_deadline.clear();
    }
    if (pace != nullptr) {
        pace->end_wait(loop.now());
    }
    co_return ready >= 0 && !move.from.aborted();
}

io::Task<bool> await_sink(SpliceMove& move) {
    if (move.watch == SpliceMove::Watch::each_wait) {
        move.to_deadline.set(move.to_patience, reset);
    }
    const int ready = co_await move.to.writable();
    if (move.watch == SpliceMove::Watch::each_wait) {
        move.to_deadline.clear();
    }
    co_return ready >= 0 && !move.to.aborted();
}

// Empties the pipe into the receiver. Without SPLICE_F_MORE: if the sender pauses now, its bytes must not wait in our
// kernel.
io::Task<bool> drain(SpliceMove& move, io::Pipe& pipe) {
    constexpr unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
    while (pipe.filled > 0) {
        const ssize_t sent = ::splice(pipe.out.get(), nullptr, move.to.fd(), nullptr, pipe.filled, flags);
        if (sent > 0) {
            pipe.filled -= static_cast<std::size_t>(sent);
            move.moved += static_cast<std::uint64_t>(sent);
            move.counter += static_cast<std::uint64_t>(sent);
            sign_of_life(move);
        } else if (sent == 0 || (errno != EAGAIN && errno != EINTR)) {
            co_return false;
        } else if (errno == EAGAIN) {
            const bool ready = co_await await_sink(move);
            if (!ready) {
                co_return false;
            }
        }
    }
    co_return true;
}

}  // namespace

io::Task<SpliceEnd> splice_bytes(SpliceMove& move, io::PipeLoan& loan) {
    io::Pipe& pipe = *loan;
    VERIFY(pipe.filled == 0);
    while (move.moved < move.want) {
        const std::uint64_t left = move.want - move.moved;
        if (move.moved >= grown_after && left >= grown_after) {
            loan.grow();
        }
        const auto ask = static_cast<std::size_t>(std::min<std::uint64_t>(left, pipe.capacity));
        const ssize_t got =
            ::splice(move.from.fd(), nullptr, pipe.in.get(), nullptr, ask, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (got < 0 && errno == EAGAIN) {
            if (move.to.aborted()) {
                co_return SpliceEnd::sink_failed;  // as in move_body: no receiver is left, so the source is not awaited
            }
            const bool ready = co_await await_source(move);
            if (!ready) {
                co_return SpliceEnd::source_failed;
            }
            continue;
        }
        if (got <= 0) {
            // splice returns 0 also after our own abort, and after a reset that a send has reported. Neither end is
            // orderly.
            const bool orderly = got == 0 && !move.from.aborted() && !move.from.broken_off();
            co_return orderly ? SpliceEnd::source_ended : SpliceEnd::source_failed;
        }
        pipe.filled = static_cast<std::size_t>(got);
        if (move.from_pace != nullptr) {
            move.from_pace->received(pipe.filled);
        }
        sign_of_life(move);
        const bool drained = co_await drain(move, pipe);
        if (!drained) {
            co_return SpliceEnd::sink_failed;
        }
    }
    co_return SpliceEnd::complete;
}

}  // namespace core::proxy
