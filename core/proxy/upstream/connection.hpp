// Connection: one TCP connection to a backend, in use by one exchange or relay, or idle in its backend's store.
#pragma once

#include "core/io/wheel.hpp"
#include "core/net/deadline.hpp"
#include "core/net/socket.hpp"
#include "core/proxy/transfer/inbox.hpp"

namespace core::proxy {

struct Connection {
    Connection(io::Loop& loop, base::Descriptor fd) noexcept
        : socket(loop, std::move(fd)), deadline(socket), send_deadline(socket), inbox(socket) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    // Leaves no TIME_WAIT behind: what was given up is reset, and so is what has nothing more to carry.
    ~Connection() { socket.aborted() ? net::disconnect(socket.fd()) : net::free_port(socket.fd()); }

    // Between two exchanges: its inbox is empty, and what the server does meanwhile is noticed.
    void rest() {
        deadline.clear();
        reused = true;
        idle_since = socket.loop().now();
        inbox.expect();
    }

    net::Socket socket;
    net::Deadline deadline;       // on what we wait for from the backend
    net::Deadline send_deadline;  // on what it must take
    Inbox inbox;
    io::Tick idle_since = 0;
    bool reused = false;  // has carried an exchange before: the backend may have ended it meanwhile
};

}  // namespace core::proxy
