// [[listen.NAME.route]]: which pool answers which host and path; and what of a request its servers are told.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "appliance/config/file/reader.hpp"
#include "appliance/config/model/words.hpp"
#include "appliance/config/values/nearest.hpp"
#include "core/http/target.hpp"

namespace appliance::config {
namespace {

using core::balance::Route;

// What can stand in a path as a browser sends it: printable ASCII, without the beginning of a query or a fragment.
bool good_path(std::string_view path) {
    return path.starts_with('/') && path.size() <= Bounds::route_bytes &&
           std::all_of(path.begin(), path.end(), [](char c) { return c > ' ' && c < 0x7f && c != '?' && c != '#'; });
}

// A name or address as Host has it, without port; "*." before it means every name below it.
bool good_host(std::string_view host) {
    const std::string_view name = host.starts_with("*.") ? host.substr(2) : host;
    core::http::Authority authority;
    return host.size() <= Bounds::route_bytes && core::http::parse_authority(name, authority) &&
           authority.host == name && !name.ends_with('.') && name.find('*') == std::string_view::npos;
}

std::string print(const Route& route) {
    return fmt::format("{}{}", route.host.empty() ? "any host" : route.host,
                       route.path.empty() ? ", any path" : " " + route.path);
}

}  // namespace

void Reader::check_http_fields(Section& section, const Listener& listener) {
    if (listener.mode == Mode::http) {
        return;
    }
    if (section.find("proto") != nullptr) {
        section.complain("proto", "a TCP connection has no scheme", "leave it out, or write mode = \"http\"");
    }
    for (const auto& [key, wanted] : {std::pair("forwarded", listener.forwarded), std::pair("via", listener.via),
                                      std::pair("request_id", listener.request_id)}) {
        if (wanted) {
            section.complain(key, "a TCP connection has no fields", "leave it out, or write mode = \"http\"");
        }
    }
}

void Reader::check_host(Section& section, const Pool& pool) {
    core::http::Authority authority;
    if (!pool.host.empty() &&
        (pool.host.size() > Bounds::route_bytes || !core::http::parse_authority(pool.host, authority))) {
        section.complain("host", fmt::format("'{}' is no host", pool.host.substr(0, 80)),
                         "write a name as in \"www.example.org\", with a port where it needs one");
    }
}

void Reader::check_cookie_name(Section& section, const Pool& pool) {
    if (!pool.cookie.empty() && (pool.cookie.size() > Bounds::cookie_bytes || !core::http::valid_token(pool.cookie))) {
        section.complain("cookie", fmt::format("'{}' is no cookie's name", pool.cookie.substr(0, 80)),
                         fmt::format("write at most {} letters, digits, '-' or '_'", Bounds::cookie_bytes));
    }
}

void Reader::check_cookie(Section& section, const Listener& listener) {
    const Pool* const pool = config_.pool(listener.pool);
    if (pool != nullptr && !pool->cookie.empty() && listener.mode == Mode::tcp) {
        report_.add(section.at("pool"), fmt::format("[pool.{}] has a cookie, and TCP knows none", pool->name),
                    "leave 'cookie' out there, use balance = \"source_hash\", or write mode = \"http\"");
    }
}

void Reader::read_routes(Section& section, Listener& listener) {
    const Entry* found = section.find("route");
    if (found == nullptr) {
        return;
    }
    const Node& routes = found->value;
    if (routes.kind != Kind::list) {
        section.complain("route", fmt::format("it is {}", config::print(routes.kind)),
                         fmt::format("write [[listen.{}.route]]", listener.name));
        return;
    }
    if (listener.mode != Mode::http) {
        section.complain("route", "a TCP connection has no host and no path",
                         "write mode = \"http\", or leave the routes out");
        return;
    }
    if (routes.list.size() > Bounds::routes) {
        section.complain("route", fmt::format("{} routes are too many", routes.list.size()),
                         fmt::format("at most {} are allowed for a listener", Bounds::routes));
        return;
    }
    for (const Node& node : routes.list) {
        read_route(node, listener);
    }
}

void Reader::read_route(const Node& node, Listener& listener) {
    Section section(node, node.at, fmt::format("[[listen.{}.route]]", listener.name), report_);
    Route route;
    route.host = section.text("host", {});
    route.path = section.text("path", {});
    route.pool = section.required_text("pool", "pool = \"app\"");
    section.close();
    std::transform(route.host.begin(), route.host.end(), route.host.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (!route.pool.empty() && config_.pool(route.pool) == nullptr) {
        std::vector<std::string_view> pools;
        for (const Pool& pool : config_.pools) {
            pools.push_back(pool.name);
        }
        report_.add(section.at("pool"), fmt::format("unknown pool '{}' in {}", route.pool, section.name()),
                    suggest(route.pool, pools, "pools"));
    }
    check_route_plane(section, route.pool);
    if (!route.host.empty() && !good_host(route.host)) {
        section.complain("host", fmt::format("'{}' is no host", route.host),
                         "write a name as in \"www.example.org\" or \"*.example.org\", without port");
    } else if (!route.path.empty() && !good_path(route.path)) {
        section.complain("path", fmt::format("'{}' is no path", route.path), "begin it with '/', without query");
    } else if (route.host.empty() && route.path.empty()) {
        // A host or path of the wrong type was reported already.
        if (node.kind == Kind::table && section.find("host") == nullptr && section.find("path") == nullptr) {
            section.miss("host and no path", "path = \"/api\"");
        }
    } else {
        refuse_hidden(node.at, route, listener);
        listener.routes.push_back(std::move(route));
    }
}

void Reader::refuse_hidden(Position at, const core::balance::Route& route, const Listener& listener) {
    const auto wide = std::find_if(listener.routes.begin(), listener.routes.end(),
                                   [&](const Route& earlier) { return core::balance::covers(earlier, route); });
    if (wide != listener.routes.end()) {
        report_.add(at,
                    fmt::format("this route of [listen.{}] is never reached: the one for {} takes all of it",
                                listener.name, print(*wide)),
                    "put it before that one, or leave it out");
    }
}

}  // namespace appliance::config
