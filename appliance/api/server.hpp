// Server: the HTTP side of the control process, on a socket that the supervisor opened. It bounds connections and
// sizes. Its entrance identifies callers; its handler carries requests out.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "appliance/api/entrance.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::api {

struct Request {
    std::string method;  // "GET", "HEAD", "POST", "PUT" or any other token
    std::string path;    // without the query, as it was sent
    std::map<std::string, std::string> query;
    std::string body;
    Peer peer;
    std::string last_event_id{};  // Last-Event-ID, where the caller followed events before
    bool respond_async = false;   // Prefer: respond-async (RFC 7240, section 4.1)
};

struct Reply {
    int status = 200;
    std::string type = "application/json";
    std::string body;
    std::function<void()> then{};  // called when the reply has been written, in the same thread; may be empty
    std::map<std::string, std::string> fields{};  // of the head, beside Content-Type and Content-Length
    // Instead of body: called until it returns false. It writes with its parameter, which returns false when the peer
    // is gone or too slow.
    using Write = std::function<bool(std::string_view)>;
    std::function<bool(const Write&)> stream{};
};

class Server {
public:
    // More callers at once are refused with 503. Each waiting `fence --drain` holds a place.
    static constexpr unsigned connections_max = SlotLimits{}.callers;
    static constexpr std::size_t body_max = std::size_t{1} << 20;

    // Called in a thread of its own for each connection; may block; may throw std::exception (answered as 500).
    using Handler = std::function<Reply(const Request&)>;

    // listening: a listening, non-blocking stream socket. Accepts from start() on.
    Server(core::base::Descriptor listening, std::unique_ptr<Entrance> entrance, Handler handler);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    // Stops accepting and waits for the handlers that are running.
    ~Server();

    // Error: no descriptor for the wake-up call.
    core::Result<void> start();

private:
    void accept_all();
    // False: the kernel is short of something, so that accepting at once again would fail again.
    bool accept_one();
    void serve(core::base::Descriptor connection, Slots::Ticket ticket);

    core::base::Descriptor listening_;
    core::base::Descriptor wake_;
    std::unique_ptr<Entrance> entrance_;
    Handler handler_;
    Slots slots_;
    std::thread acceptor_;
};

}  // namespace appliance::api
