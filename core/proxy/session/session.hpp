// Session: one client connection's life; what HTTP sessions and TCP sessions have in common. Lives in the frame of its
// coroutine and is listed with its worker, so that a drain or a stop reaches it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "core/http/fields.hpp"
#include "core/net/deadline.hpp"
#include "core/net/socket.hpp"
#include "core/proxy/config/snapshot.hpp"
#include "core/proxy/transfer/inbox.hpp"
#include "core/proxy/upstream/connection.hpp"
#include "core/proxy/upstream/sources.hpp"

namespace core::proxy {

class Backend;
class Record;
class WorkerContext;

// What sessions know of the listener that they came in by; outlives it where a reload takes it away.
struct ListenerState {
    std::shared_ptr<const ListenerSpec> spec;  // replaced by a reload; whoever keeps views of it keeps the pointer
    std::uint32_t sessions = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
};

// A backend's connection over which somebody has logged in (see http::binds_connection): no other session may use it,
// and it ends with this one.
struct OwnConnection {
    std::shared_ptr<Backend> backend;
    std::unique_ptr<Connection> connection;  // idle
};

class Session {
public:
    // For the log.
    // Also for the visitor.
    static constexpr std::string_view no_memory_for_heads =
        "the load balancer has as many long heads in memory as it may";
    static constexpr std::string_view cut_reason = "Gatehouse was stopped, and the time to drain was over";

    Session(WorkerContext& owner, base::Descriptor fd, std::shared_ptr<ListenerState> from);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    // Another client's session than the socket says: what a trusted peer's PROXY header has told.
    void adopt(const net::ProxyHeader& header);
    // Who makes the request with these fields, into visitor and known_visitor.
    void recognise(const http::Fields& fields);
    // By which scheme it came to the first balancer: what a PROXY header says, else the fields of a trusted sender,
    // else the listener. A view into fields, or a literal.
    [[nodiscard]] std::string_view scheme_of(const http::Fields& fields) const;
    // Whether a client of this session can have used https: then an https target is one of ours (RFC 9110 7.4).
    [[nodiscard]] bool may_come_by_https() const noexcept;
    // What a backend is told of this session where it wants a PROXY header.
    [[nodiscard]] net::ProxyHeader origin() const;
    // Drain: idle ones end now, busy ones after what they do.
    void end_soon();
    // Drain with time: the next response that begins tells the client that we close. Where one that has begun before
    // said otherwise, another request is served, because the client may have sent it already.
    void end_politely() noexcept { ending = true; }
    // Its own connection, if it leads to a backend that is fenced by now, is closed: nothing may reach that one.
    void drop_fenced() noexcept;
    // The client has gone while something was done for it: whatever that is ends.
    void leave();
    // Its time to drain is over: both sides are reset.
    void end_now();

    WorkerContext& context;
    std::shared_ptr<ListenerState> listener;
    net::Socket client;
    net::Deadline deadline;       // on what we wait for from the client
    net::Deadline send_deadline;  // on what it must take
    Inbox inbox;
    Address peer;                        // the client, as its socket or a trusted PROXY header has it
    std::string peer_host;               // its text, for X-Forwarded-For
    std::optional<Address> reached;      // the address that the client connected to, where a PROXY header says so
    Sources::Place place;                // among its source's sessions, where those are limited
    bool trusted = false;                // peer's claims about where requests come from are believed
    bool sender_trusted = false;         // the same of what the socket says, who may have named another as peer
    bool shared = false;                 // peer is a trusted balancer: its address is many clients', and none's own
    std::optional<bool> tls{};           // whether the client spoke TLS, where a PROXY header says so
    Address visitor;                     // who is served: peer, or whom its fields name; anew for each request
    bool known_visitor = true;           // visitor is one client's address, and no balancer's
    Connection* upstream = nullptr;      // the backend connection in use, to be aborted with the session
    std::unique_ptr<OwnConnection> own;  // null while it is in use, and where there is none
    io::OperationSlot* pause = nullptr;  // where it sleeps in a queue, to be woken with the session's end
    bool idle = false;                   // waiting for a request, nothing of it has come yet
    bool last = false;                   // the client has said that it sends nothing after its present request
    bool relaying = false;               // both sides may go on for as long as they like
    bool ending = false;                 // told so by every response that begins from now on
    bool closing = false;                // after the present exchange, whatever its response has said
    bool cut = false;                    // ended by end_now()
    bool left = false;                   // ended by leave()

private:
    friend class WorkerContext;
    void end_waits();
    Session* next_ = nullptr;
    Session** link_ = nullptr;
};

// Gives the request with these fields its name: the one that a trusted peer has given it, else a new one. From others a
// name would be a way into somebody else's log lines.
void identify(Session& session, const http::Fields& fields, Record& record);

// Begins a session: takes the PROXY header where its listener wants one, and a place among its source's sessions.
// False: the peer may not connect, or has not kept to the protocol, or has gone; it is reset, and logged unless it
// never said a word.
io::Task<bool> begin_session(Session& session);

// The life of a TCP session: choose a backend, relay until both sides have ended. Nobody left: reset.
io::Task<void> serve_tcp(WorkerContext& context, int fd, const std::shared_ptr<ListenerState>& listener);

// The life of an HTTP session: request after request until one of the sides ends it.
io::Task<void> serve_http(WorkerContext& context, int fd, const std::shared_ptr<ListenerState>& listener);

}  // namespace core::proxy
