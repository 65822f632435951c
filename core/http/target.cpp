#include "core/http/target.hpp"

#include <algorithm>

#include "core/http/characters.hpp"

namespace core::http {
namespace {

constexpr std::string_view http_scheme = "http://";
constexpr std::string_view https_scheme = "https://";

bool parse_port(std::string_view text, std::uint16_t& port) noexcept {
    port = 0;
    if (text.empty()) {
        return true;  // RFC 3986 3.2.3: "host:" has no port
    }
    if (text.size() > 5 || !all_of_class(text, is_digit)) {
        return false;
    }
    unsigned value = 0;
    for (const char c : text) {
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    port = static_cast<std::uint16_t>(value);
    return value > 0 && value <= 65535;
}

bool valid_literal(std::string_view text) noexcept {
    const auto fits = [](char c) { return (class_of(c) & is_hex) != 0 || c == ':' || c == '.'; };
    return std::ranges::all_of(text, fits) && std::ranges::count(text, ':') >= 2;
}

bool valid_name(std::string_view text) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if ((class_of(text[i]) & is_host) != 0) {
            continue;
        }
        if (text[i] != '%' || text.size() - i < 3 || !all_of_class(text.substr(i + 1, 2), is_hex)) {
            return false;
        }
        i += 2;
    }
    return !text.empty();
}

void split_path(std::string_view text, RequestHead& out) noexcept {
    const std::size_t mark = std::min(text.find('?'), text.size());
    out.path = text.substr(0, mark);
    out.query = text.substr(mark);
}

// Splits the text after "http://" or "https://" (RFC 9112 3.2.2, 3.2.4).
Fault split_absolute(std::string_view rest, RequestHead& out, Authority& authority) noexcept {
    const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
    out.authority = rest.substr(0, slash);
    if (!parse_authority(out.authority, authority)) {
        return {400, "the target's authority is malformed"};
    }
    split_path(rest.substr(slash), out);
    if (out.path.empty()) {
        out.path = out.method == "OPTIONS" && out.query.empty() ? "*" : "/";
    }
    return {};
}

// Which of the four forms of RFC 9112 3.2 the target has. absolute: authority was filled.
Fault split_target(RequestHead& out, Authority& authority, bool& absolute) noexcept {
    const std::string_view target = out.target;
    if (target.front() == '/') {
        split_path(target, out);
        return {};
    }
    if (target == "*") {
        out.path = target;
        return out.method == "OPTIONS" ? Fault{} : Fault{400, "the target * of a method other than OPTIONS"};
    }
    for (const std::string_view scheme : {http_scheme, https_scheme}) {
        if (target.size() > scheme.size() && equals_ignoring_case(target.substr(0, scheme.size()), scheme)) {
            absolute = true;
            out.https = scheme == https_scheme;
            return split_absolute(target.substr(scheme.size()), out, authority);
        }
    }
    return {400, "the target is neither a path nor an http or https URI"};
}

}  // namespace

bool parse_authority(std::string_view text, Authority& out) noexcept {
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == std::string_view::npos || !valid_literal(text.substr(1, close - 1))) {
            return false;
        }
        out.host = text.substr(0, close + 1);
    } else {
        out.host = text.substr(0, text.find(':'));
        if (!valid_name(out.host)) {
            return false;
        }
    }
    const std::string_view rest = text.substr(out.host.size());
    if (rest.empty()) {
        out.port = 0;
        return true;
    }
    return rest.front() == ':' && parse_port(rest.substr(1), out.port);
}

Fault parse_target(Cursor& cursor, RequestHead& out, const Field* host) noexcept {
    if (out.method == "CONNECT") {
        return {501, "CONNECT"};
    }
    Authority authority;
    bool absolute = false;
    if (const Fault fault = split_target(out, authority, absolute)) {
        return fault;
    }
    if (host == nullptr) {
        if (out.minor == 1) {
            return {400, "no Host"};
        }
    } else {
        Authority named;
        // An empty Host is no host of an http URI either (RFC 9110 4.2.1).
        if (!parse_authority(host->value, named)) {
            return blame(cursor, host, {400, "Host is malformed"});
        }
        // RFC 9112 3.2.2: an absolute target's authority counts, and Host is ignored.
        if (!absolute) {
            out.authority = host->value;
            authority = named;
        }
    }
    out.host = authority.host;
    out.port = authority.port;
    return {};
}

}  // namespace core::http
