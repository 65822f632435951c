// Bypass: which visitors see the site while others see the maintenance page. Pure.
#pragma once

#include <string>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/network.hpp"
#include "core/http/fields.hpp"

namespace core::proxy {

// Any of these is enough; what is empty lets no visitor through.
struct Bypass {
    std::vector<Network> networks;
    std::string cookie;  // a cookie's name, and what it must hold, byte by byte
    std::string cookie_value;
    std::string field;  // a header field's name, in any case, and what it must hold, byte by byte
    std::string field_value;

    [[nodiscard]] bool admits(const Address& client) const noexcept;
    [[nodiscard]] bool admits(const http::Fields& fields) const noexcept;
};

}  // namespace core::proxy
