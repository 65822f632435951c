// Remote: the API on TCP, from [control], and its callers, from [access.NAME].
#pragma once

#include <cstdint>
#include <string>

#include "appliance/tls/server_context.hpp"
#include "core/base/address.hpp"

namespace appliance::config {

// How much a caller of the API may do. Each holds what the one before it does.
enum class Role : std::uint8_t {
    read,     // look
    operate,  // fences, the maintenance page, deploys
    admin,    // the configuration, the firewall, the program itself
};

struct Remote {
    core::Address listen;
    tls::Material material;

    friend bool operator==(const Remote&, const Remote&) = default;
};

struct Access {
    std::string name;
    Role role = Role::read;
    std::string token_sha256;  // of the bearer token, 64 digits in lower case; empty: no token
    std::string certificate;   // the common name of a client's certificate; empty: none

    friend bool operator==(const Access&, const Access&) = default;
};

}  // namespace appliance::config
