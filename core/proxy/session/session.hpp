// Session: one client connection; what HTTP sessions and TCP sessions have in common. It lives in the frame of its
// coroutine. Its worker lists it, so that a drain or a stop reaches it.
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

// What sessions know of their listener. It outlives the listener where a reload removes that.
struct ListenerState {
    std::shared_ptr<const ListenerSpec> spec;  // replaced by a reload; keep the pointer while using views of it
    std::uint32_t sessions = 0;
    std::uint64_t accepted = 0;
    std::uint64_t refused = 0;
};

// A backend connection over which a client has logged in (see http::binds_connection). No other session may use it, and
// it ends with this one.
struct OwnConnection {
    std::shared_ptr<Backend> backend;
    std::unique_ptr<Connection> connection;  // idle
};

class Session {
public:
    // For the log and the visitor.
    static constexpr std::string_view no_memory_for_heads =
        "the load balancer has as many long heads in memory as it may";
    static constexpr std::string_view cut_reason = "Gatehouse was stopped, and the time to drain was over";

    Session(WorkerContext& owner, base::Descriptor fd, std::shared_ptr<ListenerState> from);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();

    // Takes the client's address and TLS from a trusted peer's PROXY header.
    void adopt(const net::ProxyHeader& header);
    // Sets visitor and known_visitor: the client that makes the request with these fields.
    void recognise(const http::Fields& fields);
    // The scheme by which the request came to the first balancer: from the PROXY header, else from the fields of a
    // trusted sender, else from the listener. A view into fields, or a literal.
    [[nodiscard]] std::string_view scheme_of(const http::Fields& fields) const;
    // Whether a client of this session can have used https. Then an https target is one of ours (RFC 9110 7.4).
    [[nodiscard]] bool may_come_by_https() const noexcept;
    // What a PROXY header tells a backend about this session.
    [[nodiscard]] net::ProxyHeader origin() const;
    // Drain: an idle session ends now, a busy one after its exchange.
    void end_soon();
    // Drain with time: the next response that begins tells the client of the close. If an earlier response did not, one
    // more request is served, because the client may have sent it already.
    void end_politely() noexcept { ending = true; }
    // Closes its own connection where that leads to a fenced backend: no request may reach that backend.
    void drop_fenced() noexcept;
    // The client has left while an operation ran for it: ends that operation.
    void leave();
    // The time to drain is over: resets both sides.
    void end_now();

    WorkerContext& context;
    std::shared_ptr<ListenerState> listener;
    net::Socket client;
    net::Deadline deadline;       // for what we wait for from the client
    net::Deadline send_deadline;  // for what the client must take
    Inbox inbox;
    Address peer;                        // the client, as its socket or a trusted PROXY header has it
    std::string peer_host;               // its text, for X-Forwarded-For
    std::optional<Address> reached;      // the address that the client connected to, where a PROXY header has one
    Sources::Place place;                // its place among its source's sessions, where those are limited
    bool trusted = false;                // peer's claims about a request's origin are believed
    bool sender_trusted = false;         // the same for the socket's peer, which may have named another client as peer
    bool shared = false;                 // peer is a trusted balancer: its address stands for many clients
    std::optional<bool> tls{};           // whether the client spoke TLS, where a PROXY header says so
    Address visitor;                     // the client served: peer, or the one its fields name; anew for each request
    bool known_visitor = true;           // visitor is one client's address, and no balancer's
    Connection* upstream = nullptr;      // the backend connection in use, to be aborted with the session
    std::unique_ptr<OwnConnection> own;  // null while it is in use, and where there is none
    io::OperationSlot* pause = nullptr;  // where it sleeps in a queue; the session's end wakes it
    bool idle = false;                   // waiting for a request of which no byte has come yet
    bool last = false;                   // the client has said that this request is its last
    bool relaying = false;               // the session is a relay, without an end of its own
    bool ending = false;                 // every response that begins from now on tells of the close
    bool closing = false;                // closes after this exchange, whatever its response has said
    bool cut = false;                    // ended by end_now()
    bool left = false;                   // ended by leave()

private:
    friend class WorkerContext;
    void end_waits();
    Session* next_ = nullptr;
    Session** link_ = nullptr;
};

// Gives the request with these fields its id: the one from a trusted peer, else a new one. A client's own id could
// imitate another request in the log.
void identify(Session& session, const http::Fields& fields, Record& record);

// Begins a session: takes the PROXY header where its listener wants one, and a place among its source's sessions.
// False: the peer may not connect, broke the protocol, or has closed. It is reset then, and logged unless it has sent
// nothing.
io::Task<bool> begin_session(Session& session);

// Runs a TCP session: chooses a backend, then relays until both sides have ended. No backend: reset.
io::Task<void> serve_tcp(WorkerContext& context, int fd, const std::shared_ptr<ListenerState>& listener);

// Runs an HTTP session: request after request until one of the sides ends it.
io::Task<void> serve_http(WorkerContext& context, int fd, const std::shared_ptr<ListenerState>& listener);

}  // namespace core::proxy
