#include "appliance/deploy/visit/visit.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>

#include "core/http/chunked.hpp"
#include "core/http/own_request.hpp"
#include "core/http/parser.hpp"
#include "core/net/socket.hpp"

namespace appliance::deploy {
namespace {

constexpr std::chrono::milliseconds stop_look{100};

class Connection {
public:
    Connection(core::base::Descriptor socket, Clock::time_point deadline, const std::atomic<bool>& stop)
        : socket_(std::move(socket)), deadline_(deadline), stop_(stop) {}
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection() { core::net::free_port(socket_.get()); }
    [[nodiscard]] int fd() const { return socket_.get(); }

    core::Result<void> connect(const core::Address& to) {
        ::fcntl(socket_.get(), F_SETFL, ::fcntl(socket_.get(), F_GETFL) | O_NONBLOCK);
        sockaddr_storage storage{};
        const socklen_t size = to.fill(storage);
        if (::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&storage), size) == 0) {
            return {};
        }
        if (errno != EINPROGRESS) {
            return core::fail_os("no connection", errno);
        }
        return wait(POLLOUT, "no connection").and_then([this]() -> core::Result<void> {
            int error = 0;
            socklen_t length = sizeof(error);
            ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &length);
            return error == 0 ? core::Result<void>() : core::fail_os("no connection", error);
        });
    }

    core::Result<void> send(std::string_view bytes) {
        while (!bytes.empty()) {
            if (auto ready = wait(POLLOUT, "cannot send the request"); !ready) {
                return ready;
            }
            const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno != EAGAIN) {
                return core::fail_os("cannot send the request", errno);
            }
            bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
        }
        return {};
    }

    // Appends what has come; false at the end.
    core::Result<bool> receive(std::string& to) {
        std::array<char, 16 * 1024> buffer;
        for (;;) {
            if (auto ready = wait(POLLIN, "no complete answer"); !ready) {
                return tl::unexpected(std::move(ready.error()));
            }
            const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
            if (got < 0 && errno == EAGAIN) {
                continue;
            }
            if (got < 0) {
                return core::fail_os("no complete answer", errno);
            }
            to.append(buffer.data(), static_cast<std::size_t>(got));
            return got > 0;
        }
    }

private:
    core::Result<void> wait(short events, const char* what) {
        for (;;) {
            const auto left = deadline_ - Clock::now();
            if (stop_ || left <= std::chrono::milliseconds::zero()) {
                return core::fail(what, stop_ ? "stopped" : "its time is over");
            }
            pollfd entry{socket_.get(), events, 0};
            if (core::base::poll_for(entry, std::min(left, stop_look)) > 0) {
                return {};
            }
        }
    }

    core::base::Descriptor socket_;
    Clock::time_point deadline_;
    const std::atomic<bool>& stop_;
};

// Reads a body as its head frames it, with what has come of it already.
class BodyReader {
public:
    BodyReader(Connection& connection, std::string bytes) : connection_(connection), bytes_(std::move(bytes)) {}

    core::Result<std::string> read(const core::http::Framing& framing) {
        using Kind = core::http::Framing::Kind;
        switch (framing.kind) {
            case Kind::none:
                return std::string();
            case Kind::chunked:
                return read_chunks();
            case Kind::length:
                return read_up_to(framing.length, false);
            case Kind::until_close:
                return read_up_to(body_max, true);
        }
        return std::string();
    }

private:
    core::Result<std::string> read_up_to(std::uint64_t length, bool end_is_fine) {
        const std::uint64_t wanted = std::min<std::uint64_t>(length, body_max);
        while (bytes_.size() < wanted) {
            const auto more = connection_.receive(bytes_);
            if (!more) {
                return tl::unexpected(more.error());
            }
            if (!*more && !end_is_fine) {
                return core::fail("no complete answer", "the server closed in the middle of its body");
            }
            if (!*more) {
                break;
            }
        }
        bytes_.resize(std::min<std::size_t>(bytes_.size(), wanted));
        return std::move(bytes_);
    }

    core::Result<std::string> read_chunks() {
        using Step = core::http::ChunkParser::Step;
        core::http::ChunkParser parser;
        std::string body;
        for (;;) {
            std::string_view input = bytes_;
            const auto next = [&] { return parser.next(input, core::http::answer_chunks); };
            for (Step step = next(); step.kind != Step::Kind::more; step = next()) {
                if (step.kind == Step::Kind::bad) {
                    return core::fail("no complete answer", std::string(step.reason));
                }
                body += step.data;
                if (step.kind == Step::Kind::end || body.size() >= body_max) {
                    body.resize(std::min(body.size(), body_max));
                    return body;
                }
            }
            bytes_.clear();
            const auto more = connection_.receive(bytes_);
            if (!more) {
                return tl::unexpected(more.error());
            }
            if (!*more) {
                return core::fail("no complete answer", "the server closed in the middle of its body");
            }
        }
    }

    Connection& connection_;
    std::string bytes_;
};

core::Result<Answer> read_answer(Connection& connection, const core::http::Limits& limits) {
    const auto head = std::make_unique<core::http::ResponseHead>();
    std::string bytes;
    Answer answer;
    for (;;) {
        const auto parsed = core::http::parse_response(bytes, limits, "GET", *head);
        if (parsed.bad()) {
            return core::fail("the answer is not HTTP", std::string(parsed.reason));
        }
        if (parsed.complete() && !head->is_interim()) {
            answer.status = head->status;
            for (const auto& field : head->fields) {
                answer.fields.emplace_back(field.name, field.value);
            }
            auto body = BodyReader(connection, bytes.substr(parsed.consumed)).read(head->framing);
            if (!body) {
                return tl::unexpected(std::move(body.error()));
            }
            answer.body = std::move(*body);
            return answer;
        }
        if (parsed.complete()) {
            bytes.erase(0, parsed.consumed);
            continue;
        }
        const auto more = connection.receive(bytes);
        if (!more) {
            return tl::unexpected(more.error());
        }
        if (!*more) {
            return core::fail("no answer", "the server closed the connection");
        }
    }
}

}  // namespace

core::Result<Answer> visit(core::base::Descriptor socket, const Visit& visit, Clock::time_point deadline,
                           const std::atomic<bool>& stop) {
    const auto begun = Clock::now();
    Connection connection(std::move(socket), deadline, stop);
    std::string request;
    if (visit.proxy_header != core::net::ProxyVersion::none) {
        core::net::ProxyBuffer buffer;
        request += core::net::write_proxy_header({}, visit.proxy_header, buffer);
    }
    if (visit.http) {
        request +=
            core::http::own_request("GET", visit.path, visit.host.empty() ? visit.to.text() : visit.host, visit.headers,
                                    {{"User-Agent", "gatehouse-deploy"}, {"Accept-Encoding", "identity"}});
    }
    if (visit.source) {
        if (const int bound = core::net::bind_source(connection.fd(), *visit.source); bound < 0) {
            return core::fail_os("no connection from " + visit.source->host(), -bound);
        }
    }
    auto sent = connection.connect(visit.to).and_then([&] { return connection.send(request); });
    if (!sent) {
        return tl::unexpected(std::move(sent.error()));
    }
    auto answer = visit.http ? read_answer(connection, visit.answer) : core::Result<Answer>(Answer{});
    if (answer) {
        answer->took = std::chrono::ceil<core::Milliseconds>(Clock::now() - begun);
    }
    return answer;
}

}  // namespace appliance::deploy
