// The HTTP layer's cost per message: a browser's request (about 300 bytes), an application server's response, and chunk
// framing.
#include <benchmark/benchmark.h>

#include <array>
#include <string>
#include <string_view>

#include "core/http/chunked.hpp"
#include "core/http/parser.hpp"
#include "core/http/writer.hpp"

namespace core::http {
namespace {

constexpr std::string_view request_bytes =
    "GET /articles/2026/11/load-balancing?page=2 HTTP/1.1\r\n"
    "Host: www.example.org\r\n"
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
    "Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n"
    "Accept-Language: en-GB,en;q=0.5\r\n"
    "Accept-Encoding: gzip, deflate\r\n"
    "Connection: keep-alive\r\n"
    "Cookie: session=0123456789abcdef\r\n\r\n";

constexpr std::string_view response_bytes =
    "HTTP/1.1 200 OK\r\n"
    "Date: Sun, 22 Nov 2026 12:00:00 GMT\r\n"
    "Server: Apache/2.4.62 (Debian)\r\n"
    "Cache-Control: max-age=0, private, must-revalidate\r\n"
    "ETag: W/\"0123456789abcdef0123456789abcdef\"\r\n"
    "X-Request-Id: 01234567-89ab-cdef-0123-456789abcdef\r\n"
    "Content-Length: 64\r\n"
    "Content-Type: text/html; charset=utf-8\r\n\r\n";

RequestOptions request_options() {
    RequestOptions options;
    options.origin.client = "203.0.113.57";
    options.host_fallback = "10.0.0.11:80";
    return options;
}

void parse_request_head(benchmark::State& state) {
    RequestHead head;
    for (auto _ : state) {
        benchmark::DoNotOptimize(parse_request(request_bytes, {}, head));
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(request_bytes.size()));
}
BENCHMARK(parse_request_head);

void parse_request_shortest(benchmark::State& state) {
    RequestHead head;
    for (auto _ : state) {
        benchmark::DoNotOptimize(parse_request("GET / HTTP/1.1\r\nHost: a\r\n\r\n", {}, head));
        benchmark::ClobberMemory();
    }
}
BENCHMARK(parse_request_shortest);

// The same head byte by byte, as an attacker would send it: the cost of the whole head, all calls together.
void parse_request_dribbled(benchmark::State& state) {
    RequestHead head;
    for (auto _ : state) {
        for (std::size_t there = 1; there <= request_bytes.size(); ++there) {
            benchmark::DoNotOptimize(parse_request(request_bytes.substr(0, there), {}, head, there - 1));
        }
    }
}
BENCHMARK(parse_request_dribbled);

void write_request_head(benchmark::State& state) {
    RequestHead head;
    if (!parse_request(request_bytes, {}, head).complete()) {
        state.SkipWithError("the request does not parse");
    }
    const RequestOptions options = request_options();
    std::array<char, 2048> buffer;
    for (auto _ : state) {
        benchmark::DoNotOptimize(write_request(head, options, buffer));
        benchmark::ClobberMemory();
    }
}
BENCHMARK(write_request_head);

void parse_response_head(benchmark::State& state) {
    ResponseHead head;
    for (auto _ : state) {
        benchmark::DoNotOptimize(parse_response(response_bytes, {}, "GET", head));
        benchmark::ClobberMemory();
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(response_bytes.size()));
}
BENCHMARK(parse_response_head);

void write_response_head(benchmark::State& state) {
    ResponseHead head;
    if (!parse_response(response_bytes, {}, "GET", head).complete()) {
        state.SkipWithError("the response does not parse");
    }
    ResponseOptions options;
    options.framing = framing_towards(1, head);
    std::array<char, 2048> buffer;
    for (auto _ : state) {
        benchmark::DoNotOptimize(write_response(head, options, buffer));
        benchmark::ClobberMemory();
    }
}
BENCHMARK(write_response_head);

// A body of 64 KiB in chunks of the given size.
void parse_chunks(benchmark::State& state) {
    const auto size = static_cast<std::size_t>(state.range(0));
    std::array<char, chunk_line_max> line{};
    const std::string_view start(line.data(), write_chunk_line(size, line));
    std::string body;
    for (std::size_t done = 0; done < 64 * 1024; done += size) {
        body.append(start).append(size, 'x').append(chunk_end);
    }
    body += last_chunk;
    for (auto _ : state) {
        ChunkParser parser;
        std::string_view input = body;
        while (parser.next(input).kind == ChunkParser::Step::Kind::data) {
        }
        benchmark::DoNotOptimize(input);
    }
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(body.size()));
}
BENCHMARK(parse_chunks)->Arg(64)->Arg(1024)->Arg(16 * 1024);

}  // namespace
}  // namespace core::http
