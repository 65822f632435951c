// Check: how a backend's health is checked, as configured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/duration.hpp"
#include "core/http/status.hpp"
#include "core/net/proxy_header.hpp"

namespace core::health {

enum class CheckType : std::uint8_t { http, tcp };

struct Check {
    CheckType type = CheckType::http;
    std::string method = "HEAD";
    std::string path = "/";
    std::string host;                    // the Host field; empty: the backend's address and port
    std::vector<std::string> headers{};  // more fields of the request, each "Name: value"
    http::StatusSet expect;              // the statuses that pass
    std::uint16_t port = 0;              // of the check; 0: the backend's own
    Milliseconds interval{2000};
    Milliseconds timeout{1000};  // from connect to the whole response head
    std::uint32_t fall = 2;      // consecutive failures that take an up backend down, >= 1
    std::uint32_t rise = 1;      // consecutive passes that bring a down backend up, >= 1
    // The PROXY header before http probes; it names no client. A backend that requires the header answers no probe
    // without it.
    net::ProxyVersion proxy_header = net::ProxyVersion::none;
    std::vector<Address> sources{};  // source addresses of probes of the same family, in turn

    friend bool operator==(const Check&, const Check&) = default;
};

// The outcome of one probe.
struct Verdict {
    bool passed = false;
    std::string why;   // "200", "503 instead of 200", "connect refused", "timeout after 1s"
    bool made = true;  // false: no probe was sent, because this machine lacks something; passed is meaningless
};

}  // namespace core::health
