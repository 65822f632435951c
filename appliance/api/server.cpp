#include "appliance/api/server.hpp"

#include <httplib.h>
#include <poll.h>
#include <pwd.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <vector>

namespace appliance::api {
namespace {

using core::base::Descriptor;

// Between two reads of one request, or two writes of its answer: everybody is on this machine.
constexpr int patience_ms = 5'000;

bool wait_for(int fd, short events) {
    pollfd entry{fd, events, 0};
    int ready = 0;
    do {
        ready = ::poll(&entry, 1, patience_ms);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

// The library reads and writes through this instead of through TCP sockets of its own.
class UnixStream final : public httplib::Stream {
public:
    explicit UnixStream(int fd) : fd_(fd) {}

    [[nodiscard]] bool is_readable() const override { return wait_for(fd_, POLLIN); }
    [[nodiscard]] bool is_writable() const override { return wait_for(fd_, POLLOUT); }
    // The library asks for single bytes while it reads a head, so they come from a buffer.
    ssize_t read(char* bytes, size_t size) override {
        if (at_ == end_) {
            const ssize_t got = wait_for(fd_, POLLIN) ? ::recv(fd_, buffer_.data(), buffer_.size(), 0) : -1;
            if (got <= 0) {
                return got;
            }
            at_ = 0;
            end_ = static_cast<size_t>(got);
        }
        const size_t part = std::min(size, end_ - at_);
        std::memcpy(bytes, buffer_.data() + at_, part);
        at_ += part;
        return static_cast<ssize_t>(part);
    }
    ssize_t write(const char* bytes, size_t size) override {
        return wait_for(fd_, POLLOUT) ? ::send(fd_, bytes, size, MSG_NOSIGNAL) : -1;
    }
    void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
    void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
    [[nodiscard]] socket_t socket() const override { return fd_; }

private:
    int fd_;
    std::array<char, 4096> buffer_{};
    size_t at_ = 0;
    size_t end_ = 0;
};

// One connection with one request. Made for each, because then it can hold the peer.
class Exchange final : public httplib::Server {
public:
    Exchange(const api::Server::Handler& handler, Peer peer) {
        const auto answer = [this, &handler, peer](const httplib::Request& request, httplib::Response& response) {
            Request own{
                request.method, request.path, {request.params.begin(), request.params.end()}, request.body, peer};
            Reply reply = handler(own);
            response.status = reply.status;
            response.set_content(reply.body, reply.type);
            for (const auto& [name, value] : reply.fields) {
                response.set_header(name, value);
            }
            then_ = std::move(reply.then);
        };
        Get(".*", answer);
        Post(".*", answer);
        set_payload_max_length(api::Server::body_max);
        set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
            response.status = 500;
            response.set_content(R"({"error":{"what":"the request failed","why":"a fault in gatehouse","mend":""}})",
                                 "application/json");
        });
    }

    void run(int fd) {
        UnixStream stream(fd);
        bool closed = false;
        process(*this, stream, closed);
        // The peer has all of it: the process may end in what follows.
        ::shutdown(fd, SHUT_WR);
        if (then_) {
            then_();
        }
    }

private:
    // Newer versions of the library (Debian 13's) want both addresses too; a Unix socket has none.
    template <typename Self>
    static void process(Self& self, UnixStream& stream, bool& closed) {
        if constexpr (requires { self.process_request(stream, true, closed, nullptr); }) {
            self.process_request(stream, true, closed, nullptr);
        } else {
            self.process_request(stream, "", 0, "", 0, true, closed, nullptr);
        }
    }

    std::function<void()> then_;
};

Peer peer_of(int fd) {
    ucred credentials{};
    socklen_t length = sizeof(credentials);
    Peer peer;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
        peer.uid = static_cast<uid_t>(-1);
        peer.user = "unknown";
        return peer;
    }
    peer.uid = credentials.uid;
    peer.pid = credentials.pid;
    peer.user = std::to_string(peer.uid);
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> room(16'384);
    if (::getpwuid_r(peer.uid, &entry, room.data(), room.size(), &found) == 0 && found != nullptr) {
        peer.user = found->pw_name;
    }
    return peer;
}

void refuse(int fd) {
    static constexpr std::string_view body =
        R"({"error":{"what":"cannot answer now","why":"too many requests at once","mend":"try later"}})";
    const std::string answer =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: " +
        std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" + std::string(body);
    static_cast<void>(::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
}

}  // namespace

Server::Server(Descriptor listening, Handler handler)
    : listening_(std::move(listening)), handler_(std::move(handler)) {}

Server::~Server() {
    if (acceptor_.joinable()) {
        ::eventfd_write(wake_.get(), 1);
        acceptor_.join();
    }
    std::unique_lock lock(mutex_);
    idle_.wait(lock, [this] { return connections_ == 0; });
}

core::Result<void> Server::start() {
    wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wake_.valid()) {
        return core::fail_os("cannot serve the control socket", errno);
    }
    acceptor_ = std::thread([this] { accept_all(); });
    return {};
}

void Server::accept_all() {
    for (;;) {
        std::array<pollfd, 2> entries{pollfd{wake_.get(), POLLIN, 0}, pollfd{listening_.get(), POLLIN, 0}};
        ::poll(entries.data(), entries.size(), -1);
        if (entries[0].revents != 0) {
            return;
        }
        if (entries[1].revents != 0) {
            accept_one();
        }
    }
}

void Server::accept_one() {
    Descriptor connection(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection.valid()) {
        return;
    }
    const std::lock_guard lock(mutex_);
    if (connections_ >= connections_max) {
        refuse(connection.get());
        return;
    }
    ++connections_;
    // Detached, and counted instead: the destructor waits for the count.
    std::thread([this, fd = connection.release()] { serve(Descriptor(fd)); }).detach();
}

void Server::serve(Descriptor connection) {
    Exchange(handler_, peer_of(connection.get())).run(connection.get());
    connection.reset();
    const std::lock_guard lock(mutex_);
    --connections_;
    idle_.notify_all();
}

}  // namespace appliance::api
