// What balancers in front of us say of a request: X-Forwarded-For, X-Forwarded-Proto, and Forwarded (RFC 7239).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/network.hpp"
#include "core/http/fields.hpp"

namespace core::http {

// The client of a request: the rightmost address of X-Forwarded-For that is not in trusted, or the leftmost where all
// are. Without X-Forwarded-For, the same of Forwarded. Its port is 0 where none is given. Empty where both fields are
// missing, or where an element that counts is no address ("unknown", a name). fields: from a trusted sender.
[[nodiscard]] std::optional<Address> forwarded_client(const Fields& fields, std::span<const Network> trusted);

// The scheme by which the request came to the first balancer: the first of X-Forwarded-Proto, else the proto of the
// element of Forwarded that names the client. A view into fields, always a token of at most 16 bytes; empty: not given.
[[nodiscard]] std::string_view forwarded_proto(const Fields& fields, std::span<const Network> trusted);

}  // namespace core::http
