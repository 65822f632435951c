// Why a daemon on another machine cannot be reached. The cause is found first, as a code of the system or of OpenSSL;
// what to do follows from it. Used by the client.
#pragma once

#include <chrono>

#include "appliance/api/client.hpp"

namespace appliance::api {

// No connection came about. Asks the name service, and connects once more to each address, to learn why; blocks for
// patience at most, and for as long as the name service takes.
core::Error explain_no_connection(const Place& place, std::chrono::milliseconds patience);

// Nothing has answered an attempt to connect within that time.
core::Error explain_silence(const Place& place, std::chrono::milliseconds waited);

// The daemon's certificate does not hold. verified: OpenSSL's X509_V_... of it; X509_V_OK: it holds, for another name.
core::Error explain_certificate(const Place& place, long verified);

// The daemon has ended the conversation with this TLS alert (RFC 8446, section 6). Nothing: it is none that says
// something about the certificate that was shown.
std::optional<core::Error> explain_alert(const Place& place, int alert);

}  // namespace appliance::api
