// Check: how a backend is asked whether it is well, as the configuration says it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/duration.hpp"
#include "core/net/proxy_header.hpp"

namespace core::health {

enum class CheckType : std::uint8_t { http, tcp };

struct Check {
    CheckType type = CheckType::http;
    std::string method = "HEAD";
    std::string path = "/";
    std::string host;            // the Host field; empty: the backend's address and port
    std::uint16_t expect = 200;  // the one status that passes
    Milliseconds interval{2000};
    Milliseconds timeout{1000};  // from connect to the whole response head
    std::uint32_t fall = 2;      // consecutive failures that take an up backend down, >= 1
    std::uint32_t rise = 1;      // consecutive passes that bring a down backend up, >= 1
    // What http probes begin with, naming no client: a backend that wants the header of its load balancer's
    // connections answers nobody without it.
    net::ProxyVersion proxy_header = net::ProxyVersion::none;
    std::vector<Address> sources{};  // that probes of backends of the same family leave from, in turn

    friend bool operator==(const Check&, const Check&) = default;
};

// The outcome of one probe.
struct Verdict {
    bool passed = false;
    std::string why;   // "200", "503 instead of 200", "connect refused", "timeout after 1s"
    bool made = true;  // false: for want of something of our own nobody was asked, and passed says nothing
};

}  // namespace core::health
