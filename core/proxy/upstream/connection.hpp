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
    // Leaves no TIME_WAIT behind: an aborted connection is reset, and so is one that has nothing more to carry.
    ~Connection() { socket.aborted() ? net::disconnect(socket.fd()) : net::free_port(socket.fd()); }

    // Between two exchanges: requires an empty inbox. A receive stays out, so that a close by the server is noticed.
    void rest() {
        deadline.clear();
        reused = true;
        idle_since = socket.loop().now();
        inbox.expect();
    }

    net::Socket socket;
    net::Deadline deadline;       // for what we wait for from the backend
    net::Deadline send_deadline;  // for what the backend must take
    Inbox inbox;
    io::Tick idle_since = 0;
    bool reused = false;  // has carried an exchange before: the backend may have closed it since
};

}  // namespace core::proxy
