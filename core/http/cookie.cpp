#include "core/http/cookie.hpp"

#include "core/http/characters.hpp"

namespace core::http {

std::string_view find_cookie(const Fields& fields, std::string_view name) noexcept {
    for (const Field& field : fields) {
        if (!equals_ignoring_case(field.name, "cookie")) {
            continue;
        }
        List pairs(field.value, ';');
        for (std::string_view pair; pairs.next(pair);) {
            const std::size_t equals = pair.find('=');
            if (equals != std::string_view::npos && trim(pair.substr(0, equals)) == name) {
                return trim(pair.substr(equals + 1));
            }
        }
    }
    return {};
}

}  // namespace core::http
