// Route: which pool answers a request, by host and path. Pure. The configuration asks which routes can never match; the
// exchange asks which one matches.
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
// without a final dot. path: as received, without query; "*" of OPTIONS *. Paths are compared byte by byte: another
// spelling (%61pi, //api) is another path.
const Route* find_route(std::span<const Route> routes, std::string_view host, std::string_view path) noexcept;

// Whether wide matches every request that narrow matches. Then narrow behind wide can never match.
bool covers(const Route& wide, const Route& narrow) noexcept;

}  // namespace core::balance
