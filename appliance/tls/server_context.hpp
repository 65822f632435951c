// The server's side of TLS from PEM, for the API on TCP. OpenSSL stays behind server_context.cpp and
// appliance/api/tls_wire.cpp.
#pragma once

#include <memory>
#include <string>

#include "core/base/result.hpp"

struct ssl_ctx_st;
struct x509_st;

namespace appliance::tls {

// What files held, as PEM.
struct Material {
    std::string certificate;  // with the chain behind it, if there is one
    std::string key;          // without a password
    std::string client_ca;    // verifies clients' certificates; empty: clients are not asked for any

    friend bool operator==(const Material&, const Material&) = default;
};

using Context = std::shared_ptr<ssl_ctx_st>;

// Which member of Material is wrong, and why.
struct Trouble {
    std::string member;
    core::Error error;
};

// TLS 1.2 and newer; with a client_ca, a client's certificate is asked for, and not required.
tl::expected<Context, Trouble> make_server_context(const Material& material);

// The one common name in the certificate's subject. Empty: no certificate, no common name, several, or one that is no
// valid name.
std::string common_name(const x509_st* certificate);
// The words of an error code of OpenSSL.
std::string reason(unsigned long code);

}  // namespace appliance::tls
