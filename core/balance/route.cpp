#include "core/balance/route.hpp"

#include <algorithm>

namespace core::balance {
namespace {

char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// wanted is lower case already.
bool same_name(std::string_view wanted, std::string_view name) noexcept {
    return std::equal(wanted.begin(), wanted.end(), name.begin(), name.end(),
                      [](char a, char b) { return a == lower(b); });
}

bool is_wildcard(std::string_view host) noexcept {
    return host.starts_with("*.");
}

bool host_matches(std::string_view wanted, std::string_view host) noexcept {
    if (wanted.empty()) {
        return true;
    }
    if (!is_wildcard(wanted)) {
        return same_name(wanted, host);
    }
    const std::string_view suffix = wanted.substr(1);
    return host.size() > suffix.size() && same_name(suffix, host.substr(host.size() - suffix.size()));
}

// A prefix ends at a segment's end.
bool path_matches(std::string_view wanted, std::string_view path) noexcept {
    if (!path.starts_with(wanted)) {
        return false;
    }
    return wanted.empty() || wanted.back() == '/' || path.size() == wanted.size() || path[wanted.size()] == '/';
}

}  // namespace

const Route* find_route(std::span<const Route> routes, std::string_view host, std::string_view path) noexcept {
    if (host.ends_with('.')) {
        host.remove_suffix(1);  // the same name, fully qualified (RFC 1034 3.1)
    }
    const auto found = std::find_if(routes.begin(), routes.end(), [&](const Route& route) {
        return host_matches(route.host, host) && path_matches(route.path, path);
    });
    return found == routes.end() ? nullptr : &*found;
}

bool covers(const Route& wide, const Route& narrow) noexcept {
    // Only a wildcard that is as wide or wider covers a wildcard.
    const std::string_view names = is_wildcard(narrow.host) ? std::string_view(narrow.host).substr(1) : narrow.host;
    const bool hosts = wide.host.empty() || wide.host == narrow.host ||
                       (!narrow.host.empty() && is_wildcard(wide.host) && host_matches(wide.host, names));
    return hosts && path_matches(wide.path, narrow.path);
}

}  // namespace core::balance
