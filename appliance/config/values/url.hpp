// Url: an address of HTTP as people have it: "HTTPS://ann:secret@host:8443/a b?c=d". Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace appliance::config {

struct Url {
    bool tls = false;
    std::string host;  // an IPv6 literal without its brackets
    std::uint16_t port = 0;
    std::string target = "/";  // path and query, fit for a request line
    std::string user;          // decoded; empty: none
    std::string password;

    // "https://host:8443", without a port that is the usual one. Fit for messages: it holds no secret.
    [[nodiscard]] std::string origin() const;
    // "host:8443", for the Host field.
    [[nodiscard]] std::string authority() const;
    // Without user and password.
    [[nodiscard]] std::string text() const { return origin() + target; }

    friend bool operator==(const Url&, const Url&) = default;
};

// http, https, webcal (which is http) and webcals (https), in any case. Nothing where it is none of these, or its host
// or port is none.
std::optional<Url> parse_url(std::string_view text);

// Whether it begins as "scheme:" followed by two slashes.
bool has_scheme(std::string_view text);

// Scheme, host and port of what should be a URL, for messages: a private calendar has no other secret than its path.
std::string origin_of(std::string_view text);

// A text that should be a URL without what may be secret in one: user, password, query and all behind them.
std::string without_secrets(std::string_view text);

}  // namespace appliance::config
