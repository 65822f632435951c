#include "appliance/api/unreachable.hpp"

#include <fmt/format.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "appliance/base/name_service.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/duration.hpp"

namespace appliance::api {
namespace {

using Clock = std::chrono::steady_clock;

core::Error unreachable(const Place& place, std::string why, std::string mend, int os_error = 0) {
    return {fmt::format("cannot reach gatehouse at {}", place.text()), std::move(why), std::move(mend), os_error};
}

core::Error explain_name(const Place& place, int code) {
    const std::string why = code == EAI_SYSTEM ? std::strerror(errno) : ::gai_strerror(code);
    return unreachable(place, fmt::format("cannot resolve '{}': {}", place.host, why),
                       code == EAI_AGAIN ? "try again when the name service answers, or give an address with --host"
                                         : "check the name in --host, or give an address");
}

// errno of a connection; 0: it has come about.
int connect_error(const addrinfo& to, Clock::time_point deadline) {
    const core::base::Descriptor socket(::socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket.valid()) {
        return errno;
    }
    if (::connect(socket.get(), to.ai_addr, to.ai_addrlen) == 0) {
        return 0;
    }
    if (errno != EINPROGRESS) {
        return errno;
    }
    pollfd entry{socket.get(), POLLOUT, 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    if (::poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0))) <= 0) {
        return ETIMEDOUT;
    }
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    return error;
}

core::Error explain_errno(const Place& place, int error, std::chrono::milliseconds waited) {
    switch (error) {
        case 0:
            return unreachable(place, "the connection failed, and another one a moment later did not", "try again");
        case ECONNREFUSED:
            return unreachable(
                place, "connection refused",
                fmt::format("is it running, and does 'listen' in its [control] name port {}?", place.port), error);
        case ETIMEDOUT:
            return explain_silence(place, waited);
        case EHOSTUNREACH:
        case ENETUNREACH:
            return unreachable(place, std::strerror(error), "check the address in --host, and the routes to it", error);
        case EACCES:
        case EPERM:
            return unreachable(place, std::strerror(error), "a firewall of this machine forbids it", error);
        default:
            return unreachable(place, std::strerror(error), "check the address in --host", error);
    }
}

}  // namespace

core::Error explain_no_connection(const Place& place, std::chrono::milliseconds patience) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* list = nullptr;
    const std::string port = std::to_string(place.port);
    if (const int code = base::get_addresses(place.host.c_str(), port.c_str(), hints, &list); code != 0) {
        return explain_name(place, code);
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &::freeaddrinfo);
    const auto deadline = Clock::now() + patience;
    int error = ETIMEDOUT;
    for (const addrinfo* one = list; one != nullptr && error != 0; one = one->ai_next) {
        error = connect_error(*one, deadline);
    }
    return explain_errno(place, error, patience);
}

core::Error explain_silence(const Place& place, std::chrono::milliseconds waited) {
    return unreachable(place, fmt::format("no answer within {}", core::base::print_duration(waited)),
                       fmt::format("check the address in --host, and whether a firewall drops port {}", place.port),
                       ETIMEDOUT);
}

core::Error explain_certificate(const Place& place, long verified) {
    const auto why = [verified] {
        return std::string("its certificate: ") + ::X509_verify_cert_error_string(verified);
    };
    switch (verified) {
        case X509_V_OK:  // the library compares names by itself
            return unreachable(place, "its certificate is not one of that name", "give --host a name that it has");
        case X509_V_ERR_CERT_HAS_EXPIRED:
            return unreachable(place, why(), "renew 'certificate' in its [control]");
        case X509_V_ERR_CERT_NOT_YET_VALID:
            return unreachable(place, why(), "check the clock of this machine");
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
        case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
        case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        case X509_V_ERR_CERT_SIGNATURE_FAILURE:
            return unreachable(place, why(), "name its authority's file with --ca");
        default:
            return unreachable(place, why(), "look at 'certificate' in its [control]");
    }
}

std::optional<core::Error> explain_alert(const Place& place, int alert) {
    switch (alert) {
        case SSL_AD_CERTIFICATE_REQUIRED:
            return unreachable(place, "it wants a certificate", "give --cert and --key, or --token-file");
        case SSL_AD_BAD_CERTIFICATE:
        case SSL_AD_UNSUPPORTED_CERTIFICATE:
        case SSL_AD_CERTIFICATE_REVOKED:
        case SSL_AD_CERTIFICATE_UNKNOWN:
            return unreachable(place, "it refuses the certificate of --cert", "its log says why");
        case SSL_AD_CERTIFICATE_EXPIRED:
            return unreachable(place, "the certificate of --cert has expired", "give --cert one that is valid");
        case SSL_AD_UNKNOWN_CA:
            return unreachable(place, "it does not know the authority of the certificate in --cert",
                               "give one that 'client_ca' in its [control] has signed");
        default:
            return std::nullopt;
    }
}

}  // namespace appliance::api
