#include "core/proxy/session/session.hpp"

#include <algorithm>

#include "core/http/forwarded.hpp"
#include "core/proxy/session/context.hpp"
#include "core/proxy/stats/record.hpp"

namespace core::proxy {
namespace {

bool is_trusted(const ListenerSpec& listener, const Address& peer) {
    return std::any_of(listener.trusted.begin(), listener.trusted.end(),
                       [&](const Network& network) { return network.contains(peer); });
}

void log_refusal(Session& session, std::string_view reason) {
    const io::Tick now = session.context.loop().now();
    Record record(now);
    record.listener = session.listener->spec->name;
    record.answered_by = "nobody";
    record.error = reason;
    if (session.context.routing()->snapshot().log_exchanges) {
        record.print(session.context.log_lines(), session.peer, session.peer, now);
    }
}

// Empty where the header was taken; else the reason why not.
io::Task<std::string_view> receive_header(Session& session) {
    net::ProxyHeader header;
    for (;;) {
        const std::string_view bytes = session.inbox.view();
        const net::ProxyParse parse = net::parse_proxy_header(bytes, header);
        if (parse.verdict == net::ProxyParse::Verdict::bad) {
            co_return parse.reason;
        }
        if (parse.verdict == net::ProxyParse::Verdict::complete) {
            session.inbox.consume(parse.consumed);
            session.adopt(header);
            co_return std::string_view();
        }
        const int got = co_await session.inbox.fill();
        if (got <= 0) {
            co_return session.deadline.expired() ? "the PROXY header did not come in time"
                                                 : "the connection ended before its PROXY header";
        }
        session.idle = false;
    }
}

}  // namespace

Session::Session(WorkerContext& owner, base::Descriptor fd, std::shared_ptr<ListenerState> from)
    : context(owner),
      listener(std::move(from)),
      client(owner.loop(), std::move(fd)),
      deadline(client),
      send_deadline(client),
      inbox(client),
      peer(net::peer_of(client.fd())),
      peer_host(peer.host()),
      trusted(is_trusted(*listener->spec, peer)),
      sender_trusted(trusted),
      shared(trusted),
      visitor(peer),
      known_visitor(!shared),
      ending(owner.draining()) {
    context.enlist(*this);
}

Session::~Session() {
    context.delist(*this);
}

void Session::adopt(const net::ProxyHeader& header) {
    if (!header.addressed) {
        // The client is unknown, so its head's claims (X-Forwarded-For) are not trusted.
        trusted = sender_trusted = false;
        return;
    }
    peer = visitor = header.source;
    peer_host = peer.host();
    reached = header.destination;
    tls = header.tls;
    trusted = shared = is_trusted(*listener->spec, peer);
    known_visitor = !shared;
}

void Session::recognise(const http::Fields& fields) {
    if (!trusted) {
        return;  // only peer's own address is known, and it does not change
    }
    const auto named = http::forwarded_client(fields, listener->spec->trusted);
    visitor = named.value_or(peer);
    known_visitor = named && !is_trusted(*listener->spec, *named);
}

bool Session::may_come_by_https() const noexcept {
    return sender_trusted || tls.value_or(listener->spec->https);
}

std::string_view Session::scheme_of(const http::Fields& fields) const {
    if (tls) {
        return *tls ? "https" : "http";
    }
    const std::string_view said =
        sender_trusted ? http::forwarded_proto(fields, listener->spec->trusted) : std::string_view();
    return !said.empty() ? said : listener->spec->https ? "https" : "http";
}

net::ProxyHeader Session::origin() const {
    return {true, peer, reached ? *reached : net::local_of(client.fd())};
}

void Session::drop_fenced() noexcept {
    if (own != nullptr && own->backend->fenced()) {
        own.reset();
    }
}

void Session::end_soon() {
    ending = closing = true;
    // A request that has begun to arrive is still answered, and told of the close.
    if (idle && client.quiet()) {
        client.abort();
    }
}

void Session::leave() {
    left = true;
    client.abort();
    end_waits();
}

void Session::end_now() {
    ending = closing = cut = true;
    client.reset();
    end_waits();
}

void Session::end_waits() {
    if (upstream != nullptr) {
        upstream->socket.reset();
    }
    if (pause != nullptr && pause->current != nullptr) {
        pause->current->cancel();
    }
}

namespace {

// True where its source may open this session too. Trusted peers bring many clients' sessions.
bool admit(Session& session) {
    const std::uint32_t limit = session.context.routing()->snapshot().limits.sessions_per_source;
    if (limit == 0 || session.shared) {
        return true;
    }
    session.place = session.context.commons().sources.enter(session.peer, limit);
    return session.place.taken();
}

void refuse(Session& session) {
    ++session.listener->refused;
    // At most once a second, so that a refused client cannot fill the log by reconnecting.
    if (session.context.refusal_worth_a_line()) {
        log_refusal(session, "its source has as many sessions as it may");
    }
    session.client.reset();
}

io::Task<bool> introduce(Session& session) {
    std::string_view problem = "only trusted networks may connect here";
    bool silent = false;
    if (session.trusted) {
        session.idle = true;
        session.deadline.set(session.context.routing()->snapshot().timeouts.head,
                             net::Deadline::Effect::cancel_receive);
        problem = co_await receive_header(session);
        silent = session.idle;  // a load balancer's TCP check sends nothing
        session.deadline.clear();
        session.idle = false;
    }
    if (problem.empty()) {
        co_return true;
    }
    if (!silent) {
        log_refusal(session, problem);
    }
    session.client.reset();
    co_return false;
}

}  // namespace

void identify(Session& session, const http::Fields& fields, Record& record) {
    const http::Field* const given = session.trusted ? fields.find("x-request-id") : nullptr;
    if (given != nullptr && good_request_id(given->value)) {
        record.identify(given->value);
        return;
    }
    const RequestIds::Text made = session.context.request_ids().next();
    record.identify({made.data(), made.size()});
}

io::Task<bool> begin_session(Session& session) {
    if (session.listener->spec->proxy_protocol) {
        const bool introduced = co_await introduce(session);
        if (!introduced) {
            co_return false;
        }
    }
    const bool admitted = admit(session);
    if (!admitted) {
        refuse(session);
    }
    co_return admitted;
}

}  // namespace core::proxy
