#include "core/proxy/session/exchange.hpp"

#include <algorithm>
#include <limits>

#include "core/base/verify.hpp"
#include "core/http/cookie.hpp"
#include "core/proxy/session/context.hpp"
#include "core/proxy/session/reading.hpp"
#include "core/proxy/session/relay.hpp"

namespace core::proxy {
namespace {

constexpr io::Tick any_idle = std::numeric_limits<io::Tick>::max();
// A request that must not be sent twice needs an idle connection that was used within this time. Servers close idle
// connections after some seconds (Apache: 5 s), and a request that meets such a close cannot be repeated.
constexpr io::Tick fresh_idle = 1000;

}  // namespace

Exchange::Exchange(Session& session, std::shared_ptr<Routing> routing, Record& record)
    : session_(session),
      routing_(std::move(routing)),
      timeouts_(routing_->snapshot().timeouts),
      record_(record),
      to_backend_(session.context.scratch(), session.context.moved()),
      to_client_(session.context.scratch(), session.context.moved()) {
    to_client_.aim(session_.client, session_.send_deadline, timeouts_.client);
}

void Exchange::prepare(const http::RequestHead& head, std::size_t head_bytes) {
    const ListenerSpec& listener = *session_.listener->spec;
    session_.recognise(head.fields);
    const balance::Route* const route = balance::find_route(listener.routes, head.host, head.path);
    pool_ = routing_->pool(route == nullptr ? listener.pool : route->pool);
    if (pool_ != nullptr && !pool_->spec().cookie.empty()) {
        known_ = pool_->find_alias(http::find_cookie(head.fields, pool_->spec().cookie));
    }
    if (pool_ != nullptr && pool_->maintenance) {
        const Bypass& bypass = routing_->snapshot().bypass;
        // A trusted balancer's address stands for all its clients, so it does not bypass the page.
        bypasses_ = (session_.known_visitor && bypass.admits(session_.visitor)) || bypass.admits(head.fields);
    }
    const std::string fallback = head.authority.empty() ? listener.address.text() : std::string();
    http::RequestOptions options;
    options.origin.client = session_.peer_host;
    options.origin.proto = head.https ? "https" : session_.scheme_of(head.fields);
    options.origin.peer = session_.trusted ? http::Origin::Peer::trusted : http::Origin::Peer::untrusted;
    options.origin.forwarded = listener.forwarded;
    options.origin.via = listener.via;
    if (listener.request_id) {
        identify(session_, head.fields, record_);
    }
    options.request_id = record_.id();
    options.cookie_taken = pool_ == nullptr ? std::string_view() : pool_->spec().cookie;
    options.host = pool_ == nullptr ? std::string_view() : pool_->spec().host;
    options.host_fallback = fallback;
    options.expect = http::RequestOptions::Expect::forward;
    request_size_ = http::write_request(head, options, to_backend_.room(http::written_max(head, head_bytes)));
    VERIFY(request_size_ != 0);
    request_ = {.framing = head.framing,
                .staying = http::staying_open(head),
                .media = preferred_media(head.fields),
                .minor = head.minor,
                .is_head = head.is_head(),
                .idempotent = head.is_idempotent(),
                .keep_alive = head.keep_alive,
                .upgrade = std::string(head.upgrade),
                .expect_continue = head.expect_continue,
                .binds = http::binds_connection(head),
                .secure = options.origin.proto == "https"};
    // After a body, old clients send an empty line.
    session_.last = !head.keep_alive && head.framing.empty();
    if (repeatable()) {
        to_backend_.keep();
    }
    record_.request(head.method, head.target);
    session_.inbox.consume(head_bytes);
}

// A balancer brings many visitors. Each may have as many requests in flight as another client may have sessions.
bool Exchange::admit() {
    const std::uint32_t limit = routing_->snapshot().limits.sessions_per_source;
    if (limit == 0 || !session_.shared || !session_.known_visitor) {
        return true;
    }
    place_ = session_.context.commons().sources.enter(session_.visitor, limit);
    return place_.taken();
}

io::Task<bool> Exchange::run() {
    if (!admit()) {
        co_return co_await answer_error(429, "its source has as many requests in flight as it may");
    }
    if (pool_ == nullptr || (pool_->maintenance && !bypasses_)) {
        co_return co_await answer_maintenance();
    }
    record_.pool = pool_->name();
    Connector connector(session_, *pool_, timeouts_, record_);
    connector.prefer(known_);
    io::Tick idle_below = repeatable() ? any_idle : fresh_idle;
    for (;;) {
        Connection* const backend = co_await connector.connect(idle_below);
        if (session_.left) {
            co_return conclude_left();
        }
        if (backend == nullptr) {
            blame_waited_for();
            if (silent_) {
                record_.backend = connector.backend()->spec().server;
                co_return co_await answer_error(failure_status_, failure_);
            }
            co_return co_await answer_nobody(connector.refusal());
        }
        to_backend_.clear();
        to_backend_.wrote(request_size_);
        to_backend_.aim(backend->socket, backend->send_deadline, server_patience());
        uploaded_.reset();
        io::Task<BodyEnd> uploading = upload(*backend);
        uploading.start();
        const HeadOutcome outcome = co_await receive_head(*backend);
        bool keep = false;
        if (outcome == HeadOutcome::final) {
            to_backend_.let_go();
            keep = co_await download(*backend, *connector.backend());
        }
        const bool early = !uploading.done();
        if (early) {
            // The response ended, or broke, before the request's body did: the rest of the body is not needed.
            backend->socket.reset();
            session_.client.cancel_receive();
        }
        const BodyEnd sent = co_await uploading;
        if (session_.left) {
            record_.received += to_backend_.sent();
            co_return conclude_left();
        }
        if (outcome != HeadOutcome::late) {
            blame_waited_for();
        }
        if (tries_next(outcome, connector, *backend)) {
            idle_below = 0;
            continue;
        }
        record_.received += to_backend_.sent();
        if (outcome == HeadOutcome::silent || outcome == HeadOutcome::late || outcome == HeadOutcome::failed) {
            co_return co_await conclude_failure(connector, early ? BodyEnd::sink_failed : sent);
        }
        if (outcome == HeadOutcome::client_gone || early || sent != BodyEnd::complete) {
            co_return false;
        }
        if (response_.keep_alive && backend->inbox.empty() && !backend->socket.aborted()) {
            const bool bound = connector.own() || request_.binds || response_.binds;
            bound ? connector.keep_own() : connector.keep();
        }
        co_return keep;
    }
}

// Sends the request's head and body. Where the client fails in the middle, the backend must not take the part for the
// whole.
io::Task<BodyEnd> Exchange::upload(Connection& backend) {
    const Limits& limits = routing_->snapshot().limits;
    Pace pace(limits.body_rate);
    if (!request_.expect_continue || !session_.inbox.empty()) {
        pace.begin();
    }
    const BodyMove move{.from = session_.inbox,
                        .deadline = session_.deadline,
                        .patience = timeouts_.client,
                        .effect = net::Deadline::Effect::cancel_receive,
                        .to = to_backend_,
                        .framing = request_.framing,
                        .chunks = limits.chunks,
                        .chunk = request_.framing.kind == http::Framing::Kind::chunked,
                        .pace = &pace,
                        .pipes = session_.context.pipes(routing_->snapshot()),
                        .spliced = record_.spliced,
                        .refusal = &malformed_};
    BodyEnd end = BodyEnd::complete;
    if (request_.framing.empty()) {
        const int sent = co_await to_backend_.flush();
        end = sent < 0 ? BodyEnd::sink_failed : BodyEnd::complete;
    } else {
        end = co_await move_body(move);
    }
    client_late_ = end == BodyEnd::source_failed && session_.deadline.expired();
    if (end == BodyEnd::complete) {
        if (!request_.framing.empty() && !response_begun_) {
            backend.deadline.set(server_patience(),
                                 net::Deadline::Effect::reset);  // the server's time for its answer begins now
        }
    } else if (end != BodyEnd::sink_failed) {
        backend.socket.reset();
    }
    uploaded_ = end;
    co_return end;
}

io::Task<Exchange::HeadOutcome> Exchange::receive_head(Connection& backend) {
    std::size_t seen = 0;
    bool begun = false;
    response_begun_ = false;
    response_ = {};
    if (request_.framing.empty() || request_.expect_continue || uploaded_) {
        backend.deadline.set(server_patience(), net::Deadline::Effect::reset);
    }
    for (;;) {
        http::ResponseHead& head = session_.context.response_head();
        const http::Limits& limits = routing_->snapshot().limits.answer;
        http::ParseResult parsed;
        if (!backend.inbox.empty()) {
            const std::string_view bytes = backend.inbox.view();
            parsed = http::parse_response(bytes, limits, request_.is_head ? "HEAD" : "GET", head, seen);
            seen = bytes.size();
        }
        // RFC 9110 15.2.2: the 101 names the protocol. It must be the one that was asked for.
        const bool unasked =
            parsed.complete() && head.status == 101 &&
            (head.upgrade.empty() || !uploaded_ || !http::equals_ignoring_case(head.upgrade, request_.upgrade));
        if (parsed.bad() || unasked) {
            parsed.reason = parsed.bad() ? parsed.reason : "the server switched to a protocol that was not asked for";
            record_.refused = session_.context.note_refusal({.pool = pool_->name(),
                                                             .server = std::string(record_.backend),
                                                             .client = session_.peer_host,
                                                             .status = 502},
                                                            backend.inbox.view(), parsed);
            co_return fail(502, parsed.reason, parsed.limit);
        }
        if (parsed.complete()) {
            response_.take(head, parsed.consumed);
        }
        if (parsed.complete() && head.is_interim()) {
            if (request_.minor != 0) {
                const std::span<char> room = to_client_.room(http::written_max(head, parsed.consumed));
                to_client_.wrote(http::write_response(head, {}, room));
            }
            backend.inbox.consume(parsed.consumed);
            seen = 0;
            if (!uploaded_) {
                backend.deadline.clear();  // the client must send now; the time for the answer begins after its body
            }
            const int sent = co_await to_client_.flush();
            if (sent < 0) {
                co_return HeadOutcome::client_gone;
            }
            continue;
        }
        if (parsed.complete()) {
            backend.deadline.clear();
            response_begun_ = true;
            record_.answered = session_.context.loop().now();
            co_return HeadOutcome::final;
        }
        if (backend.inbox.full() && !backend.inbox.widen(session_.context.wide_inboxes(), limits.head)) {
            co_return fail(503, Session::no_memory_for_heads, true);
        }
        const int got = co_await backend.inbox.fill(begun ? io::Data::now : io::Data::later);
        if (got <= 0) {
            const bool late = backend.deadline.expired();
            fail(late ? 504 : 502,
                 late ? late_answer : std::string_view("the server ended the connection without an answer"));
            co_return begun ? HeadOutcome::failed : late ? HeadOutcome::late : HeadOutcome::silent;
        }
        begun = true;
        backend.deadline.extend(server_patience());  // it has sent something
    }
}

// Sends the final response, head and body. receive_head() left the head in the worker's context. True: the client's
// connection may be used again.
io::Task<bool> Exchange::download(Connection& backend, Backend& server) {
    const http::ResponseHead& head = session_.context.response_head();
    const http::Framing incoming = head.framing;
    const http::Framing outgoing = http::framing_towards(request_.minor, head);
    const bool keep = uploaded_ == BodyEnd::complete && request_.keep_alive && !session_.ending &&
                      !response_.upgraded && outgoing.kind != http::Framing::Kind::until_close;
    record_.status = head.status;
    to_client_.wrote(http::write_response(head,
                                          {.framing = outgoing,
                                           .persistence = response_.upgraded ? http::Persistence::implied
                                                          : keep             ? request_.staying
                                                                             : http::Persistence::close,
                                           .date = session_.context.date(),
                                           .cookie = cookie_for(server)},
                                          to_client_.room(http::written_max(head, response_.head_bytes))));
    backend.inbox.consume(response_.head_bytes);
    if (response_.upgraded) {
        const int flushed = co_await to_client_.flush();
        server.count_success();
        if (flushed == 0) {
            co_await relay(session_, backend, server, timeouts_.relay_idle,
                           session_.context.pipes(routing_->snapshot()), record_);
        }
        record_.sent += to_client_.sent();
        co_return false;
    }
    const BodyMove move{.from = backend.inbox,
                        .deadline = backend.deadline,
                        .patience = server_patience(),
                        .effect = net::Deadline::Effect::reset,
                        .to = to_client_,
                        .framing = incoming,
                        .chunks = http::answer_chunks,
                        .chunk = outgoing.kind == http::Framing::Kind::chunked,
                        .pace = nullptr,
                        .pipes = session_.context.pipes(routing_->snapshot()),
                        .spliced = record_.spliced,
                        .refusal = &malformed_,
                        .oddities = &response_.oddities};
    session_.send_deadline.forget_waits();
    const Reading reading(session_.client, routing_->snapshot().limits.answer_rate);
    const BodyEnd end = co_await move_body(move);
    if (end == BodyEnd::source_malformed) {
        co_await to_client_.flush();  // the visitor gets what came before the fault
    }
    session_.context.note_oddities(server, response_.oddities);
    record_.sent += to_client_.sent();
    if (end == BodyEnd::complete) {
        server.count_success();
        co_return keep;
    }
    response_.keep_alive = false;
    backend.socket.reset();
    if (session_.left) {
        co_return false;
    }
    if (end == BodyEnd::sink_failed) {
        record_.error = reading.too_slow() ? "the client took its answer too slowly" : "the client went away";
    } else {
        if (outgoing.kind == http::Framing::Kind::until_close) {
            co_await await_taken();
            session_.client.reset();
        }
        conclude_cut(server, end);
    }
    co_return false;
}

}  // namespace core::proxy
