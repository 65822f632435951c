// Authentication that belongs to a connection and not to a request: NTLM and Negotiate (RFC 4559), as servers of
// Windows ask for them. Whoever sends the next request over such a connection is taken for the person that has logged
// in over it.
#pragma once

#include <string_view>

#include "core/http/head.hpp"

namespace core::http {

// Whether credentials, or a list of challenges, name such a scheme: NTLM, Negotiate, Nego2, in any case. May say so of
// a parameter that looks like one.
[[nodiscard]] bool names_bound_scheme(std::string_view value) noexcept;
// Whether the request brings such credentials in Authorization or Proxy-Authorization.
[[nodiscard]] bool binds_connection(const RequestHead& request) noexcept;
// Whether the response asks for them: 401 with WWW-Authenticate, 407 with Proxy-Authenticate.
[[nodiscard]] bool binds_connection(const ResponseHead& response) noexcept;

}  // namespace core::http
