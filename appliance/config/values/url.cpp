#include "appliance/config/values/url.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace appliance::config {
namespace {

constexpr std::uint16_t http_port = 80;
constexpr std::uint16_t https_port = 443;

std::string in_small_letters(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return out;
}

struct Scheme {
    std::string_view name;
    bool tls;
};
constexpr std::array<Scheme, 4> schemes{{{"http", false}, {"https", true}, {"webcal", false}, {"webcals", true}}};

std::string decode(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size(); ++at) {
        unsigned value = 0;
        const char* begin = text.data() + at + 1;
        const bool coded =
            text[at] == '%' && at + 2 < text.size() && std::from_chars(begin, begin + 2, value, 16).ptr == begin + 2;
        out += coded ? static_cast<char>(value) : text[at];
        at += coded ? 2 : 0;
    }
    return out;
}

// What may not stand in a request line as it is, blanks above all, is written in percents (RFC 3986 2.1).
std::string encode(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        out += byte <= 0x20 || byte >= 0x7F || c == '"' || c == '<' || c == '>' ? fmt::format("%{:02X}", byte)
                                                                                : std::string(1, c);
    }
    return out;
}

bool read_host(std::string_view text, Url& url) {
    const bool literal = text.starts_with('[');
    const auto end = literal ? text.find(']') : std::min(text.find(':'), text.size());
    if (end == std::string_view::npos) {
        return false;
    }
    url.host = text.substr(literal ? 1 : 0, end - (literal ? 1 : 0));
    std::string_view rest = text.substr(end + (literal ? 1 : 0));
    const auto plain = [literal](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
               c == '_' || (literal && (c == ':' || c == '%'));
    };
    constexpr std::size_t longest_name = 253;
    if (url.host.empty() || url.host.size() > longest_name || !std::all_of(url.host.begin(), url.host.end(), plain)) {
        return false;
    }
    url.port = url.tls ? https_port : http_port;
    if (rest.empty() || rest == ":") {
        return true;
    }
    if (!rest.starts_with(':')) {
        return false;
    }
    rest.remove_prefix(1);
    const auto [stop, error] = std::from_chars(rest.data(), rest.data() + rest.size(), url.port);
    return error == std::errc() && stop == rest.data() + rest.size() && url.port != 0;
}

}  // namespace

std::string Url::authority() const {
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == (tls ? https_port : http_port) ? name : fmt::format("{}:{}", name, port);
}

std::string Url::origin() const {
    return (tls ? "https://" : "http://") + authority();
}

std::optional<Url> parse_url(std::string_view text) {
    const auto colon = text.find("://");
    if (colon == std::string_view::npos) {
        return std::nullopt;
    }
    const std::string name = in_small_letters(text.substr(0, colon));
    const auto scheme =
        std::find_if(schemes.begin(), schemes.end(), [&](const Scheme& one) { return one.name == name; });
    if (scheme == schemes.end()) {
        return std::nullopt;
    }
    Url url;
    url.tls = scheme->tls;
    text.remove_prefix(colon + 3);
    text = text.substr(0, text.find('#'));
    std::string_view authority = text.substr(0, text.find_first_of("/?"));
    const std::string_view target = text.substr(authority.size());
    // The last one: a password may hold it, though it should not.
    if (const auto at = authority.rfind('@'); at != std::string_view::npos) {
        const std::string_view login = authority.substr(0, at);
        const auto middle = std::min(login.find(':'), login.size());
        url.user = decode(login.substr(0, middle));
        url.password = decode(login.substr(std::min(middle + 1, login.size())));
        authority.remove_prefix(at + 1);
    }
    url.target = (target.starts_with('/') ? "" : "/") + encode(target);
    return read_host(authority, url) ? std::optional(std::move(url)) : std::nullopt;
}

bool has_scheme(std::string_view text) {
    const std::string_view name = text.substr(0, text.find("://"));
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return name.size() < text.size() && !name.empty() && letter(name.front()) &&
           std::all_of(name.begin(), name.end(),
                       [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'; });
}

std::string origin_of(std::string_view text) {
    const std::string plain = without_secrets(text);
    const auto colon = plain.find("://");
    return plain.substr(0, plain.find('/', colon == std::string::npos ? 0 : colon + 3));
}

std::string without_secrets(std::string_view text) {
    const auto colon = text.find("://");
    const std::string scheme(colon == std::string_view::npos ? std::string_view() : text.substr(0, colon + 3));
    text.remove_prefix(scheme.size());
    const auto at = text.rfind('@');
    text.remove_prefix(at == std::string_view::npos ? 0 : at + 1);
    return scheme + std::string(text.substr(0, text.find_first_of("?#")));
}

}  // namespace appliance::config
