// The check of a pool: [pool.app] check = { ... }.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "appliance/config/reader.hpp"
#include "appliance/config/words.hpp"
#include "core/http/fields.hpp"

namespace appliance::config {
namespace {

using namespace std::chrono_literals;

// What may stand in a request target or a Host header without being encoded: visible ASCII (RFC 9112, section 3.2).
bool visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// Empty where text is "Name: value" and the check may send it.
std::string why_no_header(std::string_view text) {
    using core::http::Known;
    const std::string shown(text.substr(0, 80));
    const std::size_t colon = std::min(text.find(':'), text.size());
    const std::string_view name = text.substr(0, colon);
    if (colon == text.size() || !core::http::valid_token(name) || text.size() > Bounds::header_bytes ||
        !std::all_of(text.begin(), text.end(), [](char c) { return c == '\t' || (c >= 0x20 && c < 0x7f); })) {
        return fmt::format("'{}' is not a name, a colon and a value of at most {} bytes in all", shown,
                           Bounds::header_bytes);
    }
    switch (core::http::classify(name)) {
        case Known::host:
            return "the key 'host' says what Host is";
        case Known::content_length:
        case Known::transfer_encoding:
        case Known::connection:
        case Known::upgrade:
        case Known::expect:
        case Known::hop_by_hop:
        case Known::unsafe:
            return fmt::format("a check has no {} of its own", name);
        case Known::other:
        case Known::forwarded_for:
        case Known::forwarded_proto:
        case Known::forwarding:
        case Known::request_id:
        case Known::date:
        case Known::cookie:
            return {};
    }
    return {};
}

constexpr std::array<std::pair<std::string_view, std::string_view>, 3> methods{
    {{"HEAD", "HEAD"}, {"GET", "GET"}, {"OPTIONS", "OPTIONS"}}};

}  // namespace

void Reader::read_check(const std::string& pool, const Entry& entry, Check& check) {
    Section section(entry.value, entry.at, fmt::format("the check of [pool.{}]", pool), report_);
    // A check that names nothing of HTTP is still one: the contract's first example has no type.
    check.type = section.choice("type", CheckType::http, check_type_words);
    check.port = static_cast<std::uint16_t>(section.number("port", 0, 1, 65535));
    read_http_check(section, check);
    check.interval = section.duration("interval", check.interval, 100ms, 24h);
    const auto timeout_fallback = std::min(check.timeout, check.interval);
    check.timeout = section.duration("timeout", timeout_fallback, 10ms, 1h);
    if (check.timeout > check.interval) {
        section.complain("timeout",
                         fmt::format("{} is longer than the interval of {}", core::base::print_duration(check.timeout),
                                     core::base::print_duration(check.interval)),
                         "a probe must end before the next begins: shorten it or lengthen the interval");
    }
    check.fall = static_cast<unsigned>(section.number("fall", check.fall, 1, Bounds::streak));
    check.rise = static_cast<unsigned>(section.number("rise", check.rise, 1, Bounds::streak));
    check.passive_fall = static_cast<unsigned>(section.number("passive_fall", 0, 0, Bounds::streak));
    section.close();
}

void Reader::read_http_check(Section& section, Check& check) {
    constexpr std::array<std::string_view, 5> keys{"method", "path", "host", "headers", "expect"};
    if (check.type == CheckType::tcp) {
        for (const auto key : keys) {
            if (section.find(key) != nullptr) {
                section.complain(key, "a tcp check only connects", "leave it out, or write type = \"http\"");
            }
        }
        return;
    }
    check.method = section.choice("method", std::string_view("HEAD"), methods);
    check.path = section.text("path", check.path);
    if (check.path.front() != '/' || !visible(check.path) || check.path.find('#') != std::string::npos ||
        check.path.size() > 1024) {
        section.complain("path", fmt::format("'{}' is not a path", check.path.substr(0, 80)),
                         "begin it with '/', without spaces or '#', at most 1024 bytes");
    }
    check.host = section.text("host", {});
    if (!visible(check.host) || check.host.size() > 255 || check.host.find_first_of("/,@") != std::string::npos) {
        section.complain("host", fmt::format("'{}' is not a host name", check.host.substr(0, 80)),
                         "write it as a browser sends it, such as www.example.org");
    }
    read_headers(section, check);
    check.expect = section.statuses("expect", check.expect);
}

void Reader::read_headers(Section& section, Check& check) {
    const Entry* entry = section.find("headers");
    if (entry == nullptr) {
        return;
    }
    const Node& list = entry->value;
    if (list.kind != Kind::list || list.list.size() > Bounds::headers) {
        section.complain(
            "headers",
            list.kind == Kind::list ? fmt::format("{} are too many", list.list.size())
                                    : fmt::format("it is {}", print(list.kind)),
            fmt::format("write a list of at most {}, such as [\"X-Forwarded-Proto: https\"]", Bounds::headers));
        return;
    }
    for (const Node& node : list.list) {
        const std::string why =
            node.kind == Kind::text ? why_no_header(node.text) : fmt::format("{} is no header", print(node.kind));
        if (why.empty()) {
            check.headers.push_back(node.text);
        } else {
            report_.add(node.at, fmt::format("bad 'headers' in {}: {}", section.name(), why),
                        "write it as \"X-Forwarded-Proto: https\"");
        }
    }
}

}  // namespace appliance::config
