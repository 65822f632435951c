// What balancers in front say of a request: X-Forwarded-For, X-Forwarded-Proto, and Forwarded (RFC 7239).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "core/base/address.hpp"
#include "core/base/network.hpp"
#include "core/http/fields.hpp"

namespace core::http {

// Who made a request: the rightmost address of X-Forwarded-For that is not in trusted, or the leftmost where all are;
// of Forwarded where there is no X-Forwarded-For. Its port is 0 where none is said. Nothing where neither is there, and
// where an element that counts is no address ("unknown", a name): then nobody has said who it was. fields: of a sender
// that is trusted.
[[nodiscard]] std::optional<Address> forwarded_client(const Fields& fields, std::span<const Network> trusted);

// By which scheme the request came to the first balancer: the first of X-Forwarded-Proto, else the proto of the same
// element of Forwarded that names the client. A view into fields, always a token of
// at most 16 bytes; empty: not said.
[[nodiscard]] std::string_view forwarded_proto(const Fields& fields, std::span<const Network> trusted);

}  // namespace core::http
