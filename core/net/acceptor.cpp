#include "core/net/acceptor.hpp"

#include <fcntl.h>
#include <sys/socket.h>

namespace core::net {
namespace {

// After a shortage of descriptors or memory: accepting again at once would only spin.
constexpr io::Tick retry_after = 100;

}  // namespace

Acceptor::Acceptor(io::Loop& loop, base::Descriptor listening)
    : loop_(loop), listening_(std::move(listening)), accept_(loop, *this) {
    // take_backlog needs a non-blocking socket to end, wherever the socket came from.
    const int flags = ::fcntl(listening_.get(), F_GETFL);
    ::fcntl(listening_.get(), F_SETFL, flags | O_NONBLOCK);
}

Acceptor::~Acceptor() {
    loop_.wheel().clear(*this);
}

void Acceptor::start() {
    if (state_ == State::stopped) {
        return;
    }
    state_ = State::running;
    if (!accept_.running()) {
        accept_.start(listening_.get());
    }
}

void Acceptor::pause() {
    if (state_ == State::stopped) {
        return;
    }
    state_ = State::paused;
    accept_.cancel();
}

void Acceptor::stop() {
    if (state_ == State::stopped) {
        return;
    }
    state_ = State::stopped;
    loop_.wheel().clear(*this);
    if (accept_.running()) {
        accept_.cancel();
    } else {
        take_leave();
    }
}

void Acceptor::on_connection(base::Descriptor connection) {
    ++accepted_;
    on_accepted(std::move(connection));
}

void Acceptor::on_accept_end(int error) {
    if (state_ == State::stopped) {
        take_leave();
    } else if (state_ == State::running && error != 0) {
        loop_.wheel().set(*this, loop_.now() + retry_after);
    } else if (state_ == State::running) {
        accept_.start(listening_.get());
    }
}

void Acceptor::on_expire() {
    if (state_ == State::running && !accept_.running()) {
        accept_.start(listening_.get());
    }
}

void Acceptor::take_leave() {
    take_backlog();
    listening_.reset();
    on_stopped();
}

void Acceptor::take_backlog() {
    for (;;) {
        base::Descriptor connection(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!connection.valid()) {
            return;
        }
        on_connection(std::move(connection));
    }
}

}  // namespace core::net
