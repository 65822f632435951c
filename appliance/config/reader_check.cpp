// The check of a pool: [pool.app] check = { ... }.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "appliance/config/header.hpp"
#include "appliance/config/reader.hpp"
#include "appliance/config/words.hpp"

namespace appliance::config {
namespace {

using namespace std::chrono_literals;

// What may stand in a request target or a Host header without being encoded: visible ASCII (RFC 9112, section 3.2).
bool visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
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
    check.headers = read_headers(section, "headers", "host");
    check.expect = section.statuses("expect", check.expect);
}

}  // namespace appliance::config
