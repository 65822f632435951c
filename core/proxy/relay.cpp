#include "core/proxy/relay.hpp"

#include <limits>

#include "core/proxy/splice.hpp"

namespace core::proxy {
namespace {

constexpr auto reset = net::Deadline::Effect::reset;

struct Side {
    net::Socket& socket;
    net::Deadline& deadline;
    Inbox& inbox;
};

// Bulk or talk: two full buffers in a row are bulk, and are spliced from then on.
constexpr int bulk_after = 2;

// From here on everything is spliced: a relay that has once been bulk costs one poll more where it turns to talk.
io::Task<SpliceEnd> splice_bulk(Side from, Side to, Milliseconds idle, io::Pipe& pipe, std::uint64_t& bytes) {
    SpliceMove move{.from = from.socket,
                    .from_deadline = from.deadline,
                    .from_patience = idle,
                    .from_effect = reset,
                    .to = to.socket,
                    .to_deadline = to.deadline,
                    .to_patience = idle,
                    .watch = SpliceMove::Watch::idle,
                    .want = std::numeric_limits<std::uint64_t>::max()};
    const SpliceEnd end = co_await splice_bytes(move, pipe);
    bytes += move.moved;
    co_return end;
}

enum class Way : std::uint8_t { up, down };

// One way. Every byte moved is a sign of life for both sides. awaited: what the server has yet to say to what the
// client has said, as far as anybody can tell who does not know what they talk about.
io::Task<void> pump(Way way, Side from, Side to, Milliseconds idle, io::PipePool* pipes, io::Flight& awaited,
                    std::uint64_t& bytes, bool& spliced) {
    int full_in_a_row = 0;
    for (;;) {
        if (from.inbox.empty() && pipes != nullptr && full_in_a_row >= bulk_after) {
            io::PipeLoan pipe = pipes->take();
            if (pipe.valid()) {
                spliced = true;
                const SpliceEnd end = co_await splice_bulk(from, to, idle, *pipe, bytes);
                if (end == SpliceEnd::source_ended) {
                    to.socket.shutdown_send();
                    co_return;
                }
                if (end != SpliceEnd::complete) {
                    break;
                }
            }
            full_in_a_row = 0;
        }
        if (from.inbox.empty()) {
            const int got = co_await from.inbox.fill(full_in_a_row > 0 ? io::Data::now : io::Data::later);
            if (got == 0 && !from.socket.broken_off()) {
                to.socket.shutdown_send();
                co_return;
            }
            if (got <= 0) {
                break;
            }
            from.deadline.set(idle, reset);
            to.deadline.set(idle, reset);
            full_in_a_row = from.inbox.full() ? full_in_a_row + 1 : 0;
        }
        const std::string_view view = from.inbox.view();
        const int sent = co_await to.socket.send(view);
        if (sent < 0 || static_cast<std::size_t>(sent) != view.size()) {
            break;
        }
        bytes += view.size();
        from.inbox.consume(view.size());
        awaited = way == Way::up ? io::Flight(from.socket.loop()) : io::Flight();
    }
    // A broken side must not look like an orderly end to the other.
    from.socket.reset();
    to.socket.reset();
}

}  // namespace

io::Task<void> relay(Session& session, Connection& backend, Milliseconds idle, io::PipePool* pipes, Record& record) {
    const Side client{session.client, session.deadline, session.inbox};
    const Side server{backend.socket, backend.deadline, backend.inbox};
    session.relaying = true;
    client.deadline.set(idle, reset);
    server.deadline.set(idle, reset);
    io::Flight awaited;
    io::Task<void> upward = pump(Way::up, client, server, idle, pipes, awaited, record.received, record.spliced);
    upward.start();
    io::Task<void> downward = pump(Way::down, server, client, idle, pipes, awaited, record.sent, record.spliced);
    co_await downward;
    co_await upward;
    client.deadline.clear();
    server.deadline.clear();
    session.relaying = false;
}

}  // namespace core::proxy
