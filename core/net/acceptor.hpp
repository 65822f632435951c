// Acceptor: takes connections from one listening socket. pause() leaves new connections in the kernel's backlog. Before
// its destruction: stop() it, and run the loop until it is idle.
#pragma once

#include <cstdint>

#include "core/base/descriptor.hpp"
#include "core/io/accept.hpp"
#include "core/io/wheel.hpp"

namespace core::net {

class Acceptor : private io::Accept::Owner, private io::Timer {
public:
    // listening: a bound, listening socket; made non-blocking here.
    Acceptor(io::Loop& loop, base::Descriptor listening);
    ~Acceptor() override;

    void start();
    void pause();
    // Final: start() and pause() do nothing any more. Once the kernel has ended the accept: 1. connections in the
    // backlog are taken; 2. the listening socket is closed; 3. on_stopped() is called. That may happen before this
    // returns.
    void stop();
    [[nodiscard]] bool idle() const noexcept { return !accept_.running(); }
    [[nodiscard]] std::uint64_t accepted() const noexcept { return accepted_; }

protected:
    // A new connection: non-blocking, close-on-exec; TCP options are inherited from the listening socket.
    virtual void on_accepted(base::Descriptor connection) = 0;
    // Our descriptor of the listening socket is closed. The acceptor must outlive the call.
    virtual void on_stopped() {}

private:
    enum class State : std::uint8_t { paused, running, stopped };
    void on_connection(base::Descriptor connection) final;
    void on_accept_end(int error) final;
    void on_expire() final;
    void take_leave();
    void take_backlog();

    io::Loop& loop_;
    base::Descriptor listening_;
    io::Accept accept_;
    State state_ = State::paused;
    std::uint64_t accepted_ = 0;
};

}  // namespace core::net
