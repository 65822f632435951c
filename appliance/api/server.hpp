// Server: the HTTP side of the control process, on a Unix socket that somebody else made. It knows connections, sizes
// and who is calling; what a request means is for its handler. The HTTP library stays behind server.cpp.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "appliance/api/role.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

namespace appliance::api {

// Who is at the other end: as the kernel says it (SO_PEERCRED), or as the credentials of a remote caller do.
struct Peer {
    uid_t uid = 0;
    pid_t pid = 0;
    std::string user;  // the name of uid, or its number; of a remote caller its credential's name
    Role role = Role::admin;
    std::string from = "unix";  // or the remote address, "10.0.0.9:40112"; then uid and pid mean nothing

    [[nodiscard]] bool remote() const noexcept { return from != "unix"; }
};

struct Request {
    std::string method;  // "GET" or "POST"
    std::string path;    // without the query
    std::map<std::string, std::string> query;
    std::string body;
    Peer peer;
};

struct Reply {
    int status = 200;
    std::string type = "application/json";
    std::string body;
    std::function<void()> then{};  // called when the reply has been written, in the same thread; may be empty
    std::map<std::string, std::string> fields{};  // of the head, beside Content-Type and Content-Length
};

class Server {
public:
    // More at once are answered 503. Each waiting `fence --drain` holds one.
    static constexpr unsigned connections_max = 64;
    static constexpr std::size_t body_max = std::size_t{1} << 20;

    // Called in a thread of its own for each connection; may block; may throw std::exception (answered as 500).
    using Handler = std::function<Reply(const Request&)>;

    // listening: a listening, non-blocking Unix stream socket. Accepts from start() on.
    Server(core::base::Descriptor listening, Handler handler);
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;
    // Stops accepting and waits for the handlers that are running.
    ~Server();

    // Error: no descriptor for the wake-up call.
    core::Result<void> start();

private:
    void accept_all();
    void accept_one();
    void serve(core::base::Descriptor connection);

    core::base::Descriptor listening_;
    core::base::Descriptor wake_;
    Handler handler_;
    std::mutex mutex_;
    std::condition_variable idle_;
    unsigned connections_ = 0;
    std::thread acceptor_;
};

}  // namespace appliance::api
