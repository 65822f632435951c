#include "core/proxy/relay.hpp"

#include <limits>

#include "core/proxy/splice.hpp"
#include "core/proxy/worker.hpp"

namespace core::proxy {
namespace {

constexpr auto reset = net::Deadline::Effect::reset;

struct Side {
    net::Socket& socket;
    net::Deadline& deadline;
    Inbox& inbox;
};

enum class Way : std::uint8_t { up, down };

// What both ways share.
struct Talk {
    Milliseconds idle;
    io::PipePool* pipes;
    Record& record;
    Moved& moved;
    // What the server has yet to say to what the client has said, as far as anybody can tell who does not know what
    // they talk about.
    io::Flight awaited;

    [[nodiscard]] std::uint64_t& bytes(Way way) const noexcept {
        return way == Way::up ? record.received : record.sent;
    }
};

// Bulk or talk: two full buffers in a row are bulk, and are spliced from then on.
constexpr int bulk_after = 2;

// From here on everything is spliced: a relay that has once been bulk costs one poll more where it turns to talk.
io::Task<SpliceEnd> splice_bulk(Way way, Side from, Side to, io::PipeLoan& pipe, Talk& talk) {
    SpliceMove move{.from = from.socket,
                    .from_deadline = from.deadline,
                    .from_patience = talk.idle,
                    .from_effect = reset,
                    .to = to.socket,
                    .to_deadline = to.deadline,
                    .to_patience = talk.idle,
                    .watch = SpliceMove::Watch::idle,
                    .counter = talk.moved.spliced,
                    .want = std::numeric_limits<std::uint64_t>::max()};
    talk.record.spliced = true;
    const SpliceEnd end = co_await splice_bytes(move, pipe);
    talk.bytes(way) += move.moved;
    co_return end;
}

// One way. Every byte moved is a sign of life for both sides.
io::Task<void> pump(Way way, Side from, Side to, Talk& talk) {
    int full_in_a_row = 0;
    for (;;) {
        if (from.inbox.empty() && talk.pipes != nullptr && full_in_a_row >= bulk_after) {
            io::PipeLoan pipe = talk.pipes->take();
            if (pipe.valid()) {
                const SpliceEnd end = co_await splice_bulk(way, from, to, pipe, talk);
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
            from.deadline.set(talk.idle, reset);
            to.deadline.set(talk.idle, reset);
            full_in_a_row = from.inbox.full() ? full_in_a_row + 1 : 0;
        }
        const std::string_view view = from.inbox.view();
        const int sent = co_await to.socket.send(view);
        if (sent < 0 || static_cast<std::size_t>(sent) != view.size()) {
            break;
        }
        talk.bytes(way) += view.size();
        talk.moved.copied += view.size();
        from.inbox.consume(view.size());
        talk.awaited = way == Way::up ? io::Flight(from.socket.loop()) : io::Flight();
    }
    // A broken side must not look like an orderly end to the other.
    from.socket.reset();
    to.socket.reset();
}

}  // namespace

io::Task<void> relay(Session& session, Connection& backend, Milliseconds idle, io::PipePool* pipes, Record& record) {
    const Side client{session.client, session.deadline, session.inbox};
    const Side server{backend.socket, backend.deadline, backend.inbox};
    Talk talk{.idle = idle, .pipes = pipes, .record = record, .moved = session.worker.moved(), .awaited = {}};
    session.relaying = true;
    net::keep_alive(client.socket.fd());  // they may be silent for hours
    net::keep_alive(server.socket.fd());
    client.deadline.set(idle, reset);
    server.deadline.set(idle, reset);
    io::Task<void> upward = pump(Way::up, client, server, talk);
    upward.start();
    io::Task<void> downward = pump(Way::down, server, client, talk);
    co_await downward;
    co_await upward;
    client.deadline.clear();
    server.deadline.clear();
    session.relaying = false;
}

}  // namespace core::proxy
