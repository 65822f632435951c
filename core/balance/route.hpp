// Route: which pool answers a request, by host and path. Pure; the configuration asks it which routes can never match,
// the exchange which one does.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace core::balance {

struct Route {
    std::string host;  // lower case, without port; "*.example.org" for every name below it; empty: any host
    std::string path;  // "/api" is /api and all below it, never /apis; empty: any path
    std::string pool;

    friend bool operator==(const Route&, const Route&) = default;
};

// The first of routes that matches; null where none does. host: of the request, without port, in any case, with or
// without the dot at its end. path: as it came, without query, "*" of OPTIONS *. It is compared byte by byte: what is
// spelt otherwise (%61pi, //api) is another path, whatever a server may make of it.
const Route* find_route(std::span<const Route> routes, std::string_view host, std::string_view path) noexcept;

// Whether every request that narrow matches is matched by wide too, so that narrow behind wide would never be reached.
bool covers(const Route& wide, const Route& narrow) noexcept;

}  // namespace core::balance
