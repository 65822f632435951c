#include "core/proxy/config/bypass.hpp"

#include <algorithm>

#include "core/http/cookie.hpp"

namespace core::proxy {

bool Bypass::admits(const Address& client) const noexcept {
    return std::any_of(networks.begin(), networks.end(),
                       [&](const Network& network) { return network.contains(client); });
}

bool Bypass::admits(const http::Fields& fields) const noexcept {
    if (!cookie.empty() && http::find_cookie(fields, cookie) == cookie_value) {
        return true;
    }
    const http::Field* const found = field.empty() ? nullptr : fields.find(field);
    return found != nullptr && found->value == field_value;
}

}  // namespace core::proxy
