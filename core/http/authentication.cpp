#include "core/http/authentication.hpp"

#include <algorithm>
#include <array>

namespace core::http {
namespace {

constexpr std::array<std::string_view, 3> bound_schemes{"NTLM", "Negotiate", "Nego2"};

// In any of the fields of that name.
bool any_bound(const Fields& fields, std::string_view name) noexcept {
    return std::any_of(fields.begin(), fields.end(), [name](const Field& field) {
        return field.name.size() == name.size() && equals_ignoring_case(field.name, name) &&
               names_bound_scheme(field.value);
    });
}

}  // namespace

bool names_bound_scheme(std::string_view value) noexcept {
    constexpr std::string_view separators = " \t,";
    while (!value.empty()) {
        const std::string_view word = value.substr(0, value.find_first_of(separators));
        if (std::ranges::any_of(bound_schemes, [word](auto scheme) { return equals_ignoring_case(word, scheme); })) {
            return true;
        }
        value.remove_prefix(std::min(word.size() + 1, value.size()));
    }
    return false;
}

bool binds_connection(const RequestHead& request) noexcept {
    return any_bound(request.fields, "authorization") || any_bound(request.fields, "proxy-authorization");
}

bool binds_connection(const ResponseHead& response) noexcept {
    return (response.status == 401 && any_bound(response.fields, "www-authenticate")) ||
           (response.status == 407 && any_bound(response.fields, "proxy-authenticate"));
}

}  // namespace core::http
