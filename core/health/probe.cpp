#include "core/health/probe.hpp"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "core/http/parser.hpp"
#include "core/net/deadline.hpp"
#include "core/net/socket.hpp"

namespace core::health {
namespace {

// What is received at once.
constexpr std::size_t piece = 8 * 1024;

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

std::string request_of(const Check& check, const Address& backend) {
    return fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: gatehouse-check\r\nConnection: close\r\n\r\n",
                       check.method, check.path, check.host.empty() ? backend.text() : check.host);
}

Verdict judge(int status, const Check& check) {
    if (status == check.expect) {
        return {true, fmt::format("{}", status)};
    }
    const bool refuses_head = check.method == "HEAD" && (status == 405 || status == 501);
    return {false, fmt::format("{} instead of {}{}", status, check.expect,
                               refuses_head ? ": the server refuses HEAD; set method = \"GET\" in its check" : "")};
}

// Reads up to the whole head of the final response.
io::Task<Verdict> ask(net::Socket& socket, const Check& check, const Address& backend, http::Limits answers) {
    std::string request;
    if (check.proxy_header != net::ProxyVersion::none) {
        net::ProxyBuffer buffer;
        request = net::write_proxy_header({}, check.proxy_header, buffer);
    }
    request += request_of(check, backend);
    const int sent = co_await socket.send(std::string_view(request));
    if (sent < 0) {
        co_return Verdict{false, describe(-sent)};
    }
    std::string answer;
    std::size_t size = 0;
    std::size_t interim = 0;
    http::ResponseHead head;
    for (;;) {
        answer.resize(std::max(answer.size(), size + piece));
        const int got = co_await socket.receive(std::span(answer).subspan(size));
        if (got < 0) {
            co_return Verdict{false, describe(-got)};
        }
        if (got == 0) {
            co_return Verdict{false, size + interim == 0 ? "connection ended without an answer" : "answer cut short"};
        }
        size += static_cast<std::size_t>(got);
        std::string_view rest(answer.data(), size);
        http::ParseResult parsed = http::parse_response(rest, answers, check.method, head);
        while (parsed.complete() && head.is_interim()) {
            rest.remove_prefix(parsed.consumed);
            parsed = http::parse_response(rest, answers, check.method, head);
        }
        const auto passed = static_cast<std::size_t>(rest.data() - answer.data());
        answer.erase(0, passed);  // many interim answers are no long head
        size -= passed;
        interim += passed;
        if (interim > answers.head) {
            co_return Verdict{false, fmt::format("interim answers longer than {} bytes", answers.head)};
        }
        if (parsed.bad()) {
            co_return Verdict{false, fmt::format("not a valid HTTP answer: {}", parsed.reason)};
        }
        if (parsed.complete()) {
            co_return judge(head.status, check);
        }
    }
}

}  // namespace

io::Task<void> probe(net::Socket& socket, const Check& check, const Address& backend, Verdict& verdict,
                     http::Limits answers) {
    net::Deadline deadline(socket);
    deadline.set(check.timeout);
    const int connected = co_await socket.connect(backend);
    if (connected < 0) {
        verdict = {false, describe(-connected), !net::is_shortage(-connected)};
    } else if (check.type == CheckType::tcp) {
        verdict = {true, "connected"};
    } else {
        verdict = co_await ask(socket, check, backend, answers);
    }
    if (deadline.expired() && !verdict.passed) {
        verdict.why = fmt::format("timeout after {}", base::print_duration(check.timeout));
    }
    net::disconnect(socket.fd());  // the descriptor stays, and with it its mark
}

}  // namespace core::health
