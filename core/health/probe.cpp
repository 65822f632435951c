#include "core/health/probe.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/http/chunked.hpp"
#include "core/http/own_request.hpp"
#include "core/http/parser.hpp"
#include "core/net/deadline.hpp"
#include "core/net/socket.hpp"

namespace core::health {
namespace {

// The size of one receive.
constexpr std::size_t piece = 8 * 1024;
// How long a server may take to close after its answer.
constexpr Milliseconds close_patience{200};

std::string describe(int error) {
    switch (error) {
        case ECONNREFUSED:
            return "connect refused";
        case ECONNRESET:
            return "connection reset";
        case EHOSTUNREACH:
            return "no route to host";
        case ENETUNREACH:
            return "network unreachable";
        default: {
            const char* const text = strerrordesc_np(error);
            return text != nullptr ? text : "unknown error";
        }
    }
}

Verdict judge(int status, const Check& check) {
    if (check.expect.contains(status)) {
        return {true, fmt::format("{}", status)};
    }
    const bool refuses_head = check.method == "HEAD" && (status == 405 || status == 501);
    return {false, fmt::format("{} instead of {}{}", status, check.expect.text(),
                               refuses_head ? ": the server refuses HEAD; set method = \"GET\" in its check" : "")};
}

}  // namespace

Probe::Probe(net::Socket& socket, const Check& check, const Address& backend, const http::Limits& answers)
    : socket_(socket),
      check_(check),
      answers_(answers),
      to_(check.port == 0 ? backend : backend.with_port(check.port)),
      deadline_(socket) {}

// Reads up to the whole head of the final response.
io::Task<Verdict> Probe::ask_http() {
    std::string request;
    if (check_.proxy_header != net::ProxyVersion::none) {
        net::ProxyBuffer buffer;
        request = net::write_proxy_header({}, check_.proxy_header, buffer);
    }
    request += http::own_request(check_.method, check_.path, check_.host.empty() ? to_.text() : check_.host,
                                 check_.headers, {{"User-Agent", "gatehouse-check"}});
    const int sent = co_await socket_.send(std::string_view(request));
    if (sent < 0) {
        co_return Verdict{false, describe(-sent)};
    }
    std::string answer;
    std::size_t size = 0;
    std::size_t interim = 0;
    http::ResponseHead head;
    for (;;) {
        answer.resize(std::max(answer.size(), size + piece));
        const int got = co_await socket_.receive(std::span(answer).subspan(size));
        if (got < 0) {
            co_return Verdict{false, describe(-got)};
        }
        if (got == 0) {
            co_return Verdict{false, size + interim == 0 ? "connection ended without an answer" : "answer cut short"};
        }
        size += static_cast<std::size_t>(got);
        std::string_view rest(answer.data(), size);
        http::ParseResult parsed = http::parse_response(rest, answers_, check_.method, head);
        while (parsed.complete() && head.is_interim()) {
            rest.remove_prefix(parsed.consumed);
            parsed = http::parse_response(rest, answers_, check_.method, head);
        }
        const auto passed = static_cast<std::size_t>(rest.data() - answer.data());
        answer.erase(0, passed);  // many interim responses do not make a long head
        size -= passed;
        interim += passed;
        if (interim > answers_.head) {
            co_return Verdict{false, fmt::format("interim answers longer than {} bytes", answers_.head)};
        }
        if (parsed.bad()) {
            co_return Verdict{false, fmt::format("not a valid HTTP answer: {}", parsed.reason)};
        }
        if (parsed.complete()) {
            answered_ = true;
            framing_ = head.framing;
            read_ = rest.substr(parsed.consumed);
            co_return judge(head.status, check_);
        }
    }
}

io::Task<void> Probe::ask(Verdict& verdict) {
    deadline_.set(check_.timeout);
    until_ = socket_.loop().now() + static_cast<io::Tick>(check_.timeout.count());
    const int connected = co_await socket_.connect(to_);
    if (connected < 0) {
        verdict = {false, describe(-connected), !net::is_shortage(-connected)};
    } else if (check_.type == CheckType::tcp) {
        answered_ = true;
        verdict = {true, "connected"};
    } else {
        verdict = co_await ask_http();
    }
    if (deadline_.expired() && !verdict.passed) {
        verdict.why = fmt::format("timeout after {}", base::print_duration(check_.timeout));
    }
}

io::Task<void> Probe::end() {
    if (answered_ && !socket_.aborted()) {
        co_await read_body();
        co_await part();
    }
    net::disconnect(socket_.fd());  // the descriptor stays, and with it its mark
}

// Reads to the end of the body, or of the connection. The content is ignored.
io::Task<void> Probe::read_body() {
    using Kind = http::Framing::Kind;
    http::ChunkParser chunks;
    std::uint64_t left = framing_.kind == Kind::length ? framing_.length : ~std::uint64_t{0};
    for (bool more = !framing_.empty(); more;) {
        std::string_view input = read_;
        if (framing_.kind == Kind::chunked) {
            http::ChunkParser::Step step = chunks.next(input, http::answer_chunks);
            while (step.kind == http::ChunkParser::Step::Kind::data) {
                step = chunks.next(input, http::answer_chunks);
            }
            more = step.kind == http::ChunkParser::Step::Kind::more;
        } else {
            left -= std::min<std::uint64_t>(left, input.size());
            more = left > 0;
        }
        if (more) {
            read_.resize(piece);
            const int got = co_await socket_.receive(std::span(read_));
            more = got > 0;
            read_.resize(static_cast<std::size_t>(std::max(got, 0)));
        }
    }
}

// The end that closes first keeps the port in TIME_WAIT. The server was told of the close, so it gets a moment to close
// first.
io::Task<void> Probe::part() {
    bool finished = false;
    const auto finish = [&] {
        socket_.shutdown_send();
        finished = true;
    };
    net::Deadline patience(socket_);
    const io::Tick now = socket_.loop().now();
    if (check_.type == CheckType::tcp) {
        finish();  // the server waits for us to send first
    } else {
        const io::Tick half = until_ > now ? (until_ - now) / 2 : 0;
        patience.set(std::clamp(Milliseconds(half), Milliseconds(1), close_patience),
                     net::Deadline::Effect::cancel_receive);
    }
    read_.resize(piece);
    for (;;) {
        const int got = co_await socket_.receive(std::span(read_));
        if (got <= 0 && !(patience.expired() && !finished && !socket_.aborted())) {
            break;
        }
        if (got <= 0) {
            finish();
        }
    }
    if (!finished) {
        finish();
    }
}

}  // namespace core::health
