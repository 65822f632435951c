// visit(): one GET as a visitor sends it, on a socket of the caller. A socket with the mark of probes passes the fence
// of its server. For warming up and verifying; blocking, in a thread of the conductor's.
#pragma once

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/clock.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/duration.hpp"
#include "core/base/result.hpp"
#include "core/http/parser.hpp"
#include "core/net/proxy_header.hpp"

namespace appliance::deploy {

struct Visit {
    core::Address to;
    std::string host;  // the Host field; empty: the address
    std::string path = "/";
    std::vector<std::string> headers{};  // more fields of the request, each "Name: value"
    core::net::ProxyVersion proxy_header = core::net::ProxyVersion::none;
    std::optional<core::Address> source{};  // that it leaves from
    bool http = true;                       // false: a connection is all that is wanted
    core::http::Limits answer{};            // how long the head of an answer may be
};

// What came back. The body is complete, but for what is longer than body_max.
struct Answer {
    unsigned status = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;
    core::Milliseconds took{};
};

inline constexpr std::size_t body_max = std::size_t{1} << 20;

using Clock = core::BootClock;

// socket: a TCP socket of the family of visit.to, not connected. Errors: refused, reset, no answer by the deadline, an
// answer that core/http does not accept, or stop was set (checked ten times a second).
core::Result<Answer> visit(core::base::Descriptor socket, const Visit& visit, Clock::time_point deadline,
                           const std::atomic<bool>& stop);

}  // namespace appliance::deploy
