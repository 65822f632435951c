#include "appliance/api/server.hpp"

#include <httplib.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <optional>
#include <vector>

namespace appliance::api {
namespace {

using core::base::Descriptor;

// The library reads and writes through this instead of through TCP sockets of its own.
class WireStream final : public httplib::Stream {
public:
    explicit WireStream(Wire& wire) : wire_(wire) {}

    // The wire waits by itself, as long as it may take.
    [[nodiscard]] bool is_readable() const override { return true; }
    [[nodiscard]] bool is_writable() const override { return true; }
    // The library asks for single bytes while it reads a head, so they come from a buffer.
    ssize_t read(char* bytes, size_t size) override {
        if (at_ == end_) {
            const ssize_t got = wire_.read(buffer_.data(), buffer_.size());
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
        return muted_ ? static_cast<ssize_t>(size) : wire_.write(bytes, size);
    }
    // The rest of what the library writes goes nowhere.
    void mute() noexcept { muted_ = true; }
    void get_remote_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
    void get_local_ip_and_port(std::string& /*ip*/, int& /*port*/) const override {}
    [[nodiscard]] socket_t socket() const override { return wire_.fd(); }

private:
    Wire& wire_;
    bool muted_ = false;
    std::array<char, 4096> buffer_{};
    size_t at_ = 0;
    size_t end_ = 0;
};

constexpr const char* json_type = "application/json";

// One connection with one request. Made for each, because then it can hold the peer.
class Exchange final : public httplib::Server {
public:
    Exchange(Wire& wire, Entrance& entrance, const api::Server::Handler& handler) : wire_(wire) {
        // Before a body is read: who is nobody may not send one.
        set_pre_routing_handler([this, &entrance](const httplib::Request& request, httplib::Response& response) {
            peer_ = entrance.identify(wire_, request.get_header_value("Authorization"));
            if (peer_) {
                return HandlerResponse::Unhandled;
            }
            response.status = 401;
            response.set_header("WWW-Authenticate", "Bearer realm=\"gatehouse\"");
            response.set_content(
                R"({"error":{"what":"who are you?","why":"no token or certificate that [access] knows",)"
                R"("mend":"give --token-file FILE, or --cert and --key"}})",
                json_type);
            return HandlerResponse::Handled;
        });
        const auto answer = [this, &handler](const httplib::Request& request, httplib::Response& response) {
            Request own{
                request.method, request.path, {request.params.begin(), request.params.end()}, request.body, *peer_};
            own.last_event_id = request.get_header_value("Last-Event-ID");
            own.respond_async = request.get_header_value("Prefer").find("respond-async") != std::string::npos;
            Reply reply = handler(own);
            response.status = reply.status;
            response.set_content(reply.body, reply.type);
            for (const auto& [name, value] : reply.fields) {
                response.set_header(name, value);
            }
            if (reply.stream) {
                stream_->mute();
                streaming_ = std::move(reply);
                return;
            }
            then_ = std::move(reply.then);
        };
        Get(".*", answer);
        Post(".*", answer);
        Put(".*", answer);
        set_payload_max_length(api::Server::body_max);
        set_error_handler([](const httplib::Request&, httplib::Response& response) {
            if (response.status == 413 && response.body.empty()) {
                response.set_content(R"({"error":{"what":"the request is too long",)"
                                     R"("why":"its body holds more than 1024 KiB","mend":""}})",
                                     json_type);
            }
        });
        set_exception_handler([](const httplib::Request&, httplib::Response& response, std::exception_ptr) {
            response.status = 500;
            response.set_content(R"({"error":{"what":"the request failed","why":"a fault in gatehouse","mend":""}})",
                                 "application/json");
        });
    }

    void run() {
        WireStream stream(wire_);
        stream_ = &stream;
        bool closed = false;
        process(*this, stream, closed);
        if (streaming_) {
            send(*streaming_);
        }
        // The peer has all of it: the process may end in what follows.
        wire_.end();
        if (then_) {
            then_();
        }
    }

private:
    // The library streams only from a server that listens by itself, so this answer is all ours. Its end is that of the
    // connection (RFC 9112, section 6.3).
    void send(const Reply& reply) {
        std::string head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: " + reply.type + "\r\n";
        for (const auto& [name, value] : reply.fields) {
            head += name + ": " + value + "\r\n";
        }
        bool well = true;
        const auto write = [&](std::string_view text) {
            well = well && wire_.write(text.data(), text.size()) == static_cast<ssize_t>(text.size());
            return well;
        };
        write(head + "\r\n");
        while (well && reply.stream(write)) {
        }
    }
    // Newer versions of the library (Debian 13's) want both addresses too; they are for logs of its own.
    template <typename Self>
    static void process(Self& self, WireStream& stream, bool& closed) {
        if constexpr (requires { self.process_request(stream, true, closed, nullptr); }) {
            self.process_request(stream, true, closed, nullptr);
        } else {
            self.process_request(stream, "", 0, "", 0, true, closed, nullptr);
        }
    }

    Wire& wire_;
    WireStream* stream_ = nullptr;
    std::optional<Peer> peer_;
    std::optional<Reply> streaming_;
    std::function<void()> then_;
};

}  // namespace

Server::Server(Descriptor listening, std::unique_ptr<Entrance> entrance, Handler handler)
    : listening_(std::move(listening)), entrance_(std::move(entrance)), handler_(std::move(handler)) {}

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
        return core::fail_os("cannot serve the API", errno);
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
        entrance_->turn_away(connection.get());
        return;
    }
    ++connections_;
    // Detached, and counted instead: the destructor waits for the count.
    std::thread([this, fd = connection.release()] { serve(Descriptor(fd)); }).detach();
}

void Server::serve(Descriptor connection) {
    if (auto wire = entrance_->admit(std::move(connection))) {
        Exchange(*wire, *entrance_, handler_).run();
    }
    const std::lock_guard lock(mutex_);
    --connections_;
    idle_.notify_all();
}

}  // namespace appliance::api
