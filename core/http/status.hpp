// Status codes and their names (RFC 9110 15, RFC 6585, RFC 7725).
#pragma once

#include <string_view>

namespace core::http {

// "Not Found" of 404; "Unknown" of a code without a name.
[[nodiscard]] std::string_view reason_phrase(int status) noexcept;

}  // namespace core::http
