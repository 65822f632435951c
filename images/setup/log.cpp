#include "images/setup/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "core/base/address.hpp"
#include "images/setup/lines.hpp"

namespace images::setup {
namespace {

using core::base::Address;
using core::base::fail;
using core::base::Result;

constexpr std::uint16_t syslog_tls = 6514;  // RFC 5425, section 4.1
constexpr std::string_view usage = "write server=logs.example.org:6514, and name= where its certificate has another";

struct Place {
    std::string host;  // a name, or an address without brackets
    std::uint16_t port = syslog_tls;
    bool is_address = false;
};

Result<Place> read_place(std::string_view text) {
    const bool bracketed = text.starts_with('[');
    const auto end = bracketed ? text.find(']') : std::min(text.find(':'), text.size());
    if (end == std::string_view::npos) {
        return fail(fmt::format("'{}' is no server", text), "its ']' is missing", std::string(usage));
    }
    const std::string host(text.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end));
    const std::string_view rest = text.substr(bracketed ? end + 1 : end);
    Place place{host, syslog_tls, Address::parse_host(host, 0).has_value()};
    if (!place.is_address && (bracketed || !is_host_name(host))) {
        return fail(fmt::format("'{}' is no name and no address", host), "", std::string(usage));
    }
    if (!rest.empty()) {
        const char* last = rest.data() + rest.size();
        const auto read = std::from_chars(rest.data() + 1, last, place.port);
        if (rest.front() != ':' || read.ec != std::errc() || read.ptr != last || place.port == 0) {
            return fail(fmt::format("'{}' is no port", rest), "", std::string(usage));
        }
    }
    return place;
}

}  // namespace

Result<std::string> log_file(std::string_view text, std::string_view authorities) {
    Place place;
    std::string name;
    const auto read = each_line(text, [&](const Line& line) -> Result<void> {
        if (line.key == "server") {
            return read_place(line.value).map([&place](Place&& it) { place = std::move(it); });
        }
        if (line.key == "name" && is_host_name(line.value)) {
            name = line.value;
            return {};
        }
        return fail(fmt::format("'{}' is not understood", line.text), "", std::string(usage));
    });
    if (!read) {
        return tl::unexpected(read.error());
    }
    if (place.host.empty()) {
        return fail("no server in it", "", std::string(usage));
    }
    if (name.empty() && place.is_address) {
        return fail(fmt::format("no name for {}", place.host), "the server's certificate is held against it",
                    "add a line name=logs.example.org");
    }
    // Without a queue of its own the journal is the queue: what cannot be sent is not taken out of it.
    return fmt::format(
        "global(workDirectory=\"/run/gatehouse-log\" maxMessageSize=\"64k\" defaultNetstreamDriver=\"ossl\"\n"
        "       defaultNetstreamDriverCAFile=\"{}\")\n"
        "module(load=\"imjournal\" stateFile=\"journal\" fileCreateMode=\"0600\" rateLimit.interval=\"0\")\n"
        "ruleset(name=\"server\" queue.type=\"Direct\") {{\n"
        "    action(type=\"omfwd\" target=\"{}\" port=\"{}\" protocol=\"tcp\" tcp_framing=\"octet-counted\"\n"
        "           template=\"RSYSLOG_SyslogProtocol23Format\" streamDriver=\"ossl\" streamDriverMode=\"1\"\n"
        "           streamDriverAuthMode=\"x509/name\" streamDriverPermittedPeers=\"{}\"\n"
        "           action.resumeRetryCount=\"-1\" action.resumeInterval=\"5\")\n"
        "}}\n"
        "input(type=\"imjournal\" ruleset=\"server\" main=\"on\")\n",
        authorities, place.host, place.port, name.empty() ? place.host : name);
}

}  // namespace images::setup
