// Fields: the settings of pools, backends, checks and listeners, and the limits and timeouts of the data plane. Each
// field stands here once, with its key, its bounds and what it is for. These lists are read by the file's reader, the
// link from control to the proxy (link_fields.hpp) and the reference documentation. The list of a recipe (recipe.hpp)
// has the same visitors.
//
// Beside those of a recipe a visitor has: size(key, value, min, max, help) in bytes; port, networks and addresses(key,
// value, help).
#pragma once

#include <chrono>
#include <concepts>
#include <type_traits>

#include "appliance/config/model/config.hpp"
#include "appliance/config/model/words.hpp"

namespace appliance::config {

// [pool.NAME]
template <typename Settings, typename Visitor>
requires std::same_as<std::remove_const_t<Settings>, core::proxy::PoolSettings>
void each_field(Settings& pool, Visitor&& visit) {
    using namespace std::chrono_literals;
    visit.choice("balance", pool.balance, balance_words, "How connections are shared among the servers");
    visit.text("host", pool.host, "The Host that servers get; without it what the client sent");
    visit.text("cookie", pool.cookie, "The cookie that keeps a client on its server");
    visit.choice("proxy_protocol", pool.proxy_protocol, proxy_protocol_words, "The PROXY header that servers get");
    visit.duration("backend_timeout", pool.backend_timeout, 0ms, 24h, "A server's silence; 0: [timeouts] backend");
    visit.flag("abort_on_close", pool.abort_on_close, "A client that ends its sending has left");
    visit.number("queue", pool.queue, 0, Bounds::queue, "Requests that may wait while every server is at its limit");
    visit.duration("queue_timeout", pool.queue_timeout, 10ms, 1h, "How long each of them waits at most");
    visit.duration("hold", pool.hold, 0ms, 1min, "How long all servers may be out until visitors see the page");
    visit.duration("slow_start", pool.slow_start, 0ms, 1h, "Until a server that has come up has its whole share");
    visit.addresses("source", pool.sources, "Addresses that connections to servers leave from, in turn");
}

// A server of [pool.NAME]
template <typename Settings, typename Visitor>
requires std::same_as<std::remove_const_t<Settings>, core::proxy::BackendSettings>
void each_field(Settings& backend, Visitor&& visit) {
    visit.number("weight", backend.weight, 1, Bounds::weight, "The server's share beside the others' of the pool");
    visit.number("max_connections", backend.max_connections, 0, Bounds::max_connections,
                 "Requests and connections in flight at most; 0: no limit");
    visit.flag("backup", backend.backup, "Used when no other server of the pool is");
}

// The check of [pool.NAME]
template <typename Settings, typename Visitor>
requires std::same_as<std::remove_const_t<Settings>, Check>
void each_field(Settings& check, Visitor&& visit) {
    using namespace std::chrono_literals;
    visit.choice("type", check.type, check_type_words, "Whether a server is asked, or only connected to");
    visit.port("port", check.port, "The port that is asked, where it is not the server's own");
    visit.text("method", check.method, "HEAD, GET or OPTIONS");
    visit.text("path", check.path, "What is asked for");
    visit.text("host", check.host, "The Host field; without it the server's address");
    visit.headers("headers", check.headers, "More fields of the request: 'X-A: b'");
    visit.statuses("expect", check.expect, "The statuses that pass");
    visit.duration("interval", check.interval, 100ms, 24h, "From one check to the next");
    visit.duration("timeout", check.timeout, 10ms, 1h, "How long the answer may take; at most the interval");
    visit.number("fall", check.fall, 1, Bounds::streak, "Failures in a row until a server is down");
    visit.number("rise", check.rise, 1, Bounds::streak, "Passes in a row until it is up");
    visit.number("passive_fall", check.passive_fall, 0, Bounds::streak,
                 "Failures of visitors' requests in a row until it is down; 0: they do not count");
}

// [listen.NAME]
template <typename Settings, typename Visitor>
requires std::same_as<std::remove_const_t<Settings>, core::proxy::ListenerSettings>
void each_field(Settings& listener, Visitor&& visit) {
    visit.choice("mode", listener.mode, mode_words, "HTTP, or any TCP");
    visit.networks("trusted", listener.trusted, "Load balancers before this one, whose word is taken for the client");
    visit.flag("proxy_protocol", listener.proxy_protocol, "They, and nobody else, connect, with a PROXY header");
    visit.choice("proto", listener.https, proto_words, "What visitors have used, where that ended before");
    visit.flag("forwarded", listener.forwarded, "Requests get a Forwarded field");
    visit.flag("via", listener.via, "Requests get a Via field");
    visit.flag("request_id", listener.request_id, "Requests get an X-Request-Id");
}

// [timeouts]
template <typename Settings, typename Visitor>
requires std::same_as<std::remove_const_t<Settings>, Timeouts>
void each_field(Settings& timeouts, Visitor&& visit) {
    using namespace std::chrono_literals;
    visit.duration("head", timeouts.head, 100ms, 1h, "The whole head of a request");
    visit.duration("keep_alive", timeouts.keep_alive, 100ms, 24h, "An idle connection between two requests");
    visit.duration("connect", timeouts.connect, 10ms, 1h, "A connection to a server");
    visit.duration("backend", timeouts.backend, 100ms, 24h, "A server's silence");
    visit.duration("client", timeouts.client, 100ms, 24h, "A client's silence in the middle of a body");
    visit.duration("relay_idle", timeouts.relay_idle, 1s, 24h * 30, "A TCP connection or WebSocket without a byte");
}

// [limits]
template <typename Settings, typename Visitor>
requires std::same_as<std::remove_const_t<Settings>, Limits>
void each_field(Settings& limits, Visitor&& visit) {
    using namespace std::chrono_literals;
    visit.number("sessions", limits.sessions, 1, Bounds::sessions, "Connections of one worker at a time");
    visit.number("sessions_per_source", limits.sessions_per_source, 0, Bounds::sessions,
                 "Connections of one address at a time; 0: no limit");
    visit.size("head", limits.head.head, 1024, Bounds::head, "A request's head, with its first line");
    visit.size("request_line", limits.head.request_line, 128, limits.head.head, "Its first line");
    visit.number("fields", limits.head.fields, 8, Bounds::fields, "Its fields");
    visit.size("answer_head", limits.answer.head, 1024, Bounds::head, "The head of a server's answer");
    visit.number("answer_fields", limits.answer.fields, 8, Bounds::fields, "Its fields");
    visit.size("chunk_extension", limits.chunks.extension, 0, Bounds::chunk_extension, "Extensions of a chunk");
    visit.size("trailers", limits.chunks.trailers, 0, Bounds::trailers, "Trailers behind the last chunk");
    visit.number("body_rate", limits.body_rate.least, 0, Bounds::body_rate,
                 "Bytes a second that a request's body must bring; 0: any");
    visit.duration("body_credit", limits.body_rate.credit, 1s, 1h, "How long it may fall behind that");
    visit.number("answer_rate", limits.answer_rate.least, 0, Bounds::body_rate,
                 "Bytes a second of an answer that a client must take; 0: any");
    visit.duration("answer_credit", limits.answer_rate.credit, 1s, 1h, "How long it may fall behind that");
}

}  // namespace appliance::config
