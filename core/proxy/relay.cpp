#include "core/proxy/relay.hpp"

namespace core::proxy {
namespace {

constexpr auto reset = net::Deadline::Effect::reset;

struct Side {
    net::Socket& socket;
    net::Deadline& deadline;
    Inbox& inbox;
};

// One way. Every byte moved is a sign of life for both sides.
io::Task<void> pump(Side from, Side to, Milliseconds idle, std::uint64_t& bytes) {
    for (;;) {
        if (from.inbox.empty()) {
            const int got = co_await from.inbox.fill();
            if (got == 0) {
                to.socket.shutdown_send();
                co_return;
            }
            if (got < 0) {
                break;
            }
            from.deadline.set(idle, reset);
            to.deadline.set(idle, reset);
        }
        const std::string_view view = from.inbox.view();
        const int sent = co_await to.socket.send(view);
        if (sent < 0 || static_cast<std::size_t>(sent) != view.size()) {
            break;
        }
        bytes += view.size();
        from.inbox.consume(view.size());
    }
    // A broken side must not look like an orderly end to the other.
    from.socket.reset();
    to.socket.reset();
}

}  // namespace

io::Task<void> relay(Session& session, Connection& backend, Milliseconds idle, Record& record) {
    const Side client{session.client, session.deadline, session.inbox};
    const Side server{backend.socket, backend.deadline, backend.inbox};
    client.deadline.set(idle, reset);
    server.deadline.set(idle, reset);
    io::Task<void> upward = pump(client, server, idle, record.received);
    upward.start();
    io::Task<void> downward = pump(server, client, idle, record.sent);
    co_await downward;
    co_await upward;
    client.deadline.clear();
    server.deadline.clear();
}

}  // namespace core::proxy
