// The check of a pool: [pool.app] check = { ... }.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "appliance/config/file/from_file.hpp"
#include "appliance/config/file/reader.hpp"
#include "appliance/config/model/fields.hpp"
#include "appliance/config/values/nearest.hpp"

namespace appliance::config {
namespace {

// What may stand in a request target or a Host header without being encoded: visible ASCII (RFC 9112, section 3.2).
bool visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

constexpr std::array<std::string_view, 3> methods{"HEAD", "GET", "OPTIONS"};

}  // namespace

void Reader::read_check(const std::string& pool, const Entry& entry, Check& check) {
    Section section(entry.value, entry.at, fmt::format("the check of [pool.{}]", pool), report_);
    // A check that names nothing of HTTP is still one: the contract's first example has no type.
    check.type = CheckType::http;
    each_field(check, FromFile(section));
    check_http_check(section, check);
    if (section.find("timeout") == nullptr) {
        check.timeout = std::min(check.timeout, check.interval);
    }
    if (check.timeout > check.interval) {
        section.complain("timeout",
                         fmt::format("{} is longer than the interval of {}", core::base::print_duration(check.timeout),
                                     core::base::print_duration(check.interval)),
                         "a probe must end before the next begins: shorten it or lengthen the interval");
    }
    section.close();
}

void Reader::check_http_check(Section& section, const Check& check) {
    constexpr std::array<std::string_view, 5> keys{"method", "path", "host", "headers", "expect"};
    if (check.type == CheckType::tcp) {
        for (const auto key : keys) {
            if (section.find(key) != nullptr) {
                section.complain(key, "a tcp check only connects", "leave it out, or write type = \"http\"");
            }
        }
        return;
    }
    if (std::find(methods.begin(), methods.end(), check.method) == methods.end()) {
        section.complain("method", fmt::format("'{}' is unknown", check.method),
                         suggest(check.method, methods, "values"));
    }
    if (check.path.front() != '/' || !visible(check.path) || check.path.find('#') != std::string::npos ||
        check.path.size() > 1024) {
        section.complain("path", fmt::format("'{}' is not a path", check.path.substr(0, 80)),
                         "begin it with '/', without spaces or '#', at most 1024 bytes");
    }
    if (!visible(check.host) || check.host.size() > 255 || check.host.find_first_of("/,@") != std::string::npos) {
        section.complain("host", fmt::format("'{}' is not a host name", check.host.substr(0, 80)),
                         "write it as a browser sends it, such as www.example.org");
    }
}

}  // namespace appliance::config
