#include <chrono>

#include "core/http/parser.hpp"
#include "core/proxy/session/context.hpp"
#include "core/proxy/session/exchange.hpp"
#include "core/proxy/session/session.hpp"

namespace core::proxy {
namespace {

// How long a client that was told of the close may be silent before we close. While it sends, we receive for up to
// Timeouts::linger. Closing at once would send RST, and RST makes the client's kernel discard our answer (RFC 9112
// 9.6).
constexpr Milliseconds linger_silence{2'000};

enum class Arrival : std::uint8_t {
    request,  // in the worker's request_head()
    refused,  // to be answered with the refusal
    nothing,  // the client has closed, or was silent for too long
};

// Receives until a whole request head has come. Its bytes stay in the inbox.
io::Task<Arrival> receive_request(Session& session, bool first, http::ParseResult& parsed) {
    const Timeouts& timeouts = session.context.routing()->snapshot().timeouts;
    const auto effect = net::Deadline::Effect::cancel_receive;
    session.idle = http::only_empty_lines(session.inbox.view());
    session.deadline.set(session.idle && !first ? timeouts.keep_alive : timeouts.head, effect);
    std::size_t seen = 0;
    for (;;) {
        http::Limits limits = session.context.routing()->snapshot().limits.head;
        const std::string_view bytes = session.inbox.view();
        if (!bytes.empty()) {
            limits.https = session.may_come_by_https();
            parsed = http::parse_request(bytes, limits, session.context.request_head(), seen);
            seen = bytes.size();
        }
        if (parsed.verdict != http::ParseResult::Verdict::incomplete) {
            session.deadline.clear();
            co_return parsed.complete() ? Arrival::request : Arrival::refused;
        }
        if (session.inbox.full() && !session.inbox.widen(session.context.wide_inboxes(), limits.head)) {
            parsed = {
                .verdict = http::ParseResult::Verdict::bad, .status = 503, .reason = Session::no_memory_for_heads};
            session.deadline.clear();
            co_return Arrival::refused;
        }
        const int got = co_await session.inbox.fill(first ? io::Data::now : io::Data::later);
        if (got <= 0) {
            const bool late = session.deadline.expired() && !http::only_empty_lines(session.inbox.view());
            parsed = {.verdict = http::ParseResult::Verdict::bad,
                      .status = 408,
                      .reason = "the request head did not end in time"};
            session.deadline.clear();
            co_return late ? Arrival::refused : Arrival::nothing;
        }
        const bool idle = session.idle && http::only_empty_lines(session.inbox.view());
        if (session.idle && !idle && !first) {
            session.deadline.set(session.context.routing()->snapshot().timeouts.head, effect);
        }
        session.idle = idle;
    }
}

// Serves one request, or answers a refused one. True: the session continues. The exchange and its record are most of a
// busy session's memory. They live in this frame, which exists only while a request is served.
io::Task<bool> serve_one(Session& session, Arrival arrival, const http::ParseResult& parsed) {
    WorkerContext& context = session.context;
    const std::shared_ptr<Routing> routing = context.routing();
    Record record(context.loop().now());
    const std::shared_ptr<const ListenerSpec> spec = session.listener->spec;
    record.listener = spec->name;
    bool more = false;
    if (arrival == Arrival::refused) {
        record.request("-", {});
        record.answered_by = "gatehouse";
        record.status = static_cast<std::uint16_t>(parsed.status);
        record.error = parsed.reason;
        record.refused =
            context.note_refusal({.listener = spec->name, .client = session.peer_host, .status = parsed.status},
                                 session.inbox.view(), parsed);
        const OwnAnswer answer{.status = parsed.status, .reason = parsed.reason};
        const int sent = co_await send_error(session, answer);
        record.sent = sent > 0 ? static_cast<std::uint64_t>(sent) : 0;
    } else {
        const auto arrived = std::chrono::steady_clock::now();
        const io::Flight flight(context.loop());
        Exchange exchange(session, routing, record);
        exchange.prepare(context.request_head(), parsed.consumed);
        more = co_await exchange.run();
        record.error = session.cut ? Session::cut_reason : record.error;
        record.broken = record.broken || session.cut;
        if (exchange.pool() != nullptr) {
            const auto took = std::chrono::steady_clock::now() - arrived;
            exchange.pool()->memory().visitors.count(record,
                                                     std::chrono::duration_cast<base::Histogram::Duration>(took));
        }
    }
    if (routing->snapshot().log_exchanges) {
        const Address& client = arrival == Arrival::refused ? session.peer : session.visitor;
        record.print(context.log_lines(), client, session.peer, context.loop().now());
    }
    co_return more && !session.closing;
}

io::Task<void> linger(Session& session) {
    const io::Loop& loop = session.context.loop();
    const io::Tick until =
        loop.now() + static_cast<io::Tick>(session.context.routing()->snapshot().timeouts.linger.count());
    session.client.shutdown_send();
    int got = 0;
    do {
        session.inbox.consume(session.inbox.view().size());
        session.deadline.set(linger_silence);
        got = co_await session.inbox.fill();
    } while (got > 0 && !session.client.aborted() && loop.now() < until);
    session.deadline.clear();
}

}  // namespace

io::Task<void> serve_http(WorkerContext& context, int fd, const std::shared_ptr<ListenerState>& listener) {
    Session session(context, base::Descriptor(fd), listener);
    bool more = co_await begin_session(session);
    for (bool first = true; more; first = false) {
        http::ParseResult parsed;
        const Arrival arrival = co_await receive_request(session, first, parsed);
        if (arrival == Arrival::nothing) {
            session.client.abort();
            break;
        }
        more = co_await serve_one(session, arrival, parsed);
    }
    const bool silent = session.last && session.inbox.empty();
    if (!session.client.aborted() && !silent) {
        co_await linger(session);
    }
}

}  // namespace core::proxy
