#include "appliance/guard/fetch.hpp"

#include <fmt/format.h>
#include <httplib.h>

#include <chrono>

namespace appliance::guard {
namespace {

using Clock = std::chrono::steady_clock;

struct Place {
    std::string origin;  // "https://bbb.example.org:443"
    std::string path;    // with the query
};

Place split_url(const std::string& url) {
    const auto host = url.find("://") + 3;
    const auto slash = url.find('/', host);
    return slash == std::string::npos ? Place{url, "/"} : Place{url.substr(0, slash), url.substr(slash)};
}

std::string reason_of(httplib::Error error) {
    switch (error) {
        case httplib::Error::Connection:
            return "no connection";
        case httplib::Error::ConnectionTimeout:
        case httplib::Error::Read:
            return "no answer in time";
        case httplib::Error::SSLConnection:
            return "no TLS connection";
        case httplib::Error::SSLServerVerification:
            return "its certificate does not hold";
        case httplib::Error::SSLLoadingCerts:
            return "the authorities' certificates cannot be read";
        default:
            return httplib::to_string(error);
    }
}

}  // namespace

core::Result<std::string> fetch(const std::string& url, core::Milliseconds timeout,
                                const std::filesystem::path& ca_file) {
    const Place place = split_url(url);
    const std::string what = fmt::format("cannot ask {}", place.origin);
    httplib::Client client(place.origin);
    client.set_connection_timeout(timeout);
    client.set_read_timeout(timeout);
    client.set_write_timeout(timeout);
    client.set_follow_location(false);
    if (!ca_file.empty()) {
        client.set_ca_cert_path(ca_file.string());
    }
    const auto deadline = Clock::now() + timeout;
    std::string body;
    bool too_long = false;
    const auto answer = client.Get(place.path, [&](const char* bytes, std::size_t size) {
        too_long = body.size() + size > answer_max;
        body.append(bytes, too_long ? 0 : size);
        return !too_long && Clock::now() < deadline;
    });
    if (!answer) {
        const bool late = answer.error() == httplib::Error::Canceled && !too_long;
        return core::fail(what, too_long ? "its answer is longer than 16 MiB"
                                : late   ? "no complete answer in time"
                                         : reason_of(answer.error()));
    }
    if (answer->status != 200) {
        return core::fail(what, fmt::format("status {}", answer->status));
    }
    return body;
}

}  // namespace appliance::guard
