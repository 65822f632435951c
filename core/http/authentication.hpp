// Authentication that belongs to a connection and not to a request: NTLM and Negotiate (RFC 4559), used by Windows
// servers. Every request on such a connection counts as sent by the user that has logged in on it.
#pragma once

#include <string_view>

#include "core/http/head.hpp"

namespace core::http {

// Whether credentials, or a list of challenges, name such a scheme: NTLM, Negotiate, Nego2, in any case. A parameter
// that looks like one counts too.
[[nodiscard]] bool names_bound_scheme(std::string_view value) noexcept;
// Whether the request has such credentials in Authorization or Proxy-Authorization.
[[nodiscard]] bool binds_connection(const RequestHead& request) noexcept;
// Whether the response asks for them: 401 with WWW-Authenticate, 407 with Proxy-Authenticate.
[[nodiscard]] bool binds_connection(const ResponseHead& response) noexcept;

}  // namespace core::http
