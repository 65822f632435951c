#include "core/http/cookie.hpp"

#include <algorithm>

namespace core::http {
namespace {

std::string_view trim(std::string_view text) noexcept {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

}  // namespace

std::string_view find_cookie(const Fields& fields, std::string_view name) noexcept {
    for (const Field& field : fields) {
        if (!equals_ignoring_case(field.name, "cookie")) {
            continue;
        }
        for (std::string_view rest = field.value; !rest.empty();) {
            const std::string_view pair = rest.substr(0, rest.find(';'));
            rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
            const std::size_t equals = pair.find('=');
            if (equals != std::string_view::npos && trim(pair.substr(0, equals)) == name) {
                return trim(pair.substr(equals + 1));
            }
        }
    }
    return {};
}

}  // namespace core::http
