#include "core/proxy/session/relay.hpp"

#include <limits>
#include <utility>

#include "core/proxy/session/context.hpp"
#include "core/proxy/transfer/splice.hpp"

namespace core::proxy {
namespace {

constexpr auto reset = net::Deadline::Effect::reset;

struct Side {
    net::Socket& socket;
    net::Deadline& deadline;
    Inbox& inbox;
};

enum class Way : std::uint8_t { up, down };

// Looks at a client from which nothing can be received: its bytes wait for a server that takes none, or it has sent
// FIN. After its RST the client has left. After its FIN, no drain and no fence waits for it once the server has all its
// bytes and sends nothing.
class Lookout final : private io::Timer {
public:
    // All parameters outlive it. sent: bytes sent to the client so far.
    Lookout(Session& session, const Connection& connection, const Backend& server, const std::uint64_t& sent)
        : session_(session), connection_(connection), server_(server), sent_(sent) {}
    Lookout(const Lookout&) = delete;
    Lookout& operator=(const Lookout&) = delete;
    ~Lookout() override { session_.context.loop().wheel().clear(*this); }

    // From now on the client's bytes wait for the server.
    void begin_wait() noexcept {
        waits_ = true;
        look_again();
    }
    void end_wait() noexcept { waits_ = false; }
    void finished() noexcept {
        finished_ = true;
        look_again();
    }

private:
    // Milliseconds. A look is one or two system calls of less than a microsecond.
    static constexpr io::Tick pause = 250;

    void look_again() noexcept {
        io::Loop& loop = session_.context.loop();
        if (!armed()) {
            loop.wheel().set(*this, loop.now() + pause);
        }
    }
    void on_expire() override {
        const bool silent = std::exchange(seen_, sent_) == sent_;
        if (!waits_ && !finished_) {
            return;
        }
        const bool unwanted = session_.context.draining() || server_.fenced();
        const bool over = finished_ && silent && unwanted && connection_.socket.progress().waiting == 0;
        if (over || session_.client.broken_off()) {
            session_.client.reset();
            session_.leave();
            return;
        }
        look_again();
    }

    Session& session_;
    const Connection& connection_;
    const Backend& server_;
    const std::uint64_t& sent_;
    std::uint64_t seen_ = 0;
    bool waits_ = false;
    bool finished_ = false;
};

// State that both directions share.
struct Talk {
    Milliseconds idle;
    io::PipePool* pipes;
    Record& record;
    Moved& moved;
    Lookout& lookout;
    // In flight from the client's last bytes until the server's next ones. The relay does not know the protocol, so
    // this is its guess at an open request.
    io::Flight awaited;

    [[nodiscard]] std::uint64_t& bytes(Way way) const noexcept {
        return way == Way::up ? record.received : record.sent;
    }
};

// Bulk or dialogue: two full buffers in a row are bulk, and are spliced from then on.
constexpr int bulk_after = 2;

// From here on everything is spliced. A relay that turns from bulk to dialogue costs one poll more.
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

void begin_wait(Way way, Talk& talk) noexcept {
    if (way == Way::up) {
        talk.lookout.begin_wait();
    }
}

void end_wait(Way way, Talk& talk) noexcept {
    if (way == Way::up) {
        talk.lookout.end_wait();
    }
}

void pass_on_end(Way way, Side to, Talk& talk) {
    to.socket.shutdown_send();
    if (way == Way::up) {
        talk.lookout.finished();
    }
}

// One direction. Every byte moved extends the idle time of both sides.
io::Task<void> pump(Way way, Side from, Side to, Talk& talk) {
    int full_in_a_row = 0;
    for (;;) {
        if (from.inbox.empty() && talk.pipes != nullptr && full_in_a_row >= bulk_after) {
            io::PipeLoan pipe = talk.pipes->take();
            if (pipe.valid()) {
                begin_wait(way, talk);
                const SpliceEnd end = co_await splice_bulk(way, from, to, pipe, talk);
                end_wait(way, talk);
                if (end == SpliceEnd::source_ended) {
                    pass_on_end(way, to, talk);
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
                pass_on_end(way, to, talk);
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
        begin_wait(way, talk);
        const int sent = co_await to.socket.send(view);
        end_wait(way, talk);
        if (sent < 0 || static_cast<std::size_t>(sent) != view.size()) {
            break;
        }
        talk.bytes(way) += view.size();
        talk.moved.copied += view.size();
        from.inbox.consume(view.size());
        talk.awaited = way == Way::up ? io::Flight(from.socket.loop()) : io::Flight();
    }
    // The other side must not take a broken connection for an orderly end.
    from.socket.reset();
    to.socket.reset();
}

}  // namespace

io::Task<void> relay(Session& session, Connection& connection, const Backend& backend, Milliseconds idle,
                     io::PipePool* pipes, Record& record) {
    const Side client{session.client, session.deadline, session.inbox};
    const Side server{connection.socket, connection.deadline, connection.inbox};
    Lookout lookout(session, connection, backend, record.sent);
    Talk talk{.idle = idle,
              .pipes = pipes,
              .record = record,
              .moved = session.context.moved(),
              .lookout = lookout,
              .awaited = {}};
    session.relaying = true;
    net::keep_alive(client.socket.fd());  // relays may be silent for hours
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
