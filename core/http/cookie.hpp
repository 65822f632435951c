// Cookies: finds the proxy's own one in a request (RFC 6265 4.2.1).
#pragma once

#include <string_view>

#include "core/http/fields.hpp"

namespace core::http {

// The value of the first cookie of that name, which is compared byte by byte, in any Cookie field; empty where there is
// none. A view into the fields.
[[nodiscard]] std::string_view find_cookie(const Fields& fields, std::string_view name) noexcept;

}  // namespace core::http
