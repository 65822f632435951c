// The Forwarded field (RFC 7239), as far as the proxy reads it.
#pragma once

#include <string_view>

namespace core::http {

// The proto of the last element: what the hop before us says that the request came as. A view into value, always a
// token; empty where the element names none, or is malformed.
[[nodiscard]] std::string_view forwarded_proto(std::string_view value) noexcept;

}  // namespace core::http
