#include "appliance/api/unreachable.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include "core/base/descriptor.hpp"

namespace appliance::api {
namespace {

using testing::HasSubstr;
using testing::Not;

Place place(std::string host, std::uint16_t port) {
    return {std::move(host), port, {}};
}

// A port of the loopback that is bound without a listener, so that no other process takes it.
struct BoundPort {
    BoundPort() {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
        EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
        port = ntohs(address.sin_port);
    }
    core::base::Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    std::uint16_t port = 0;
};

TEST(Unreachable, APortWithoutAListenerIsRefusedAndNamed) {
    const BoundPort bound;
    const auto answer = Client(place("127.0.0.1", bound.port)).get("/v1/status");
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().os_error, ECONNREFUSED);
    EXPECT_THAT(answer.error().line(), HasSubstr("connection refused; is it running, and does 'listen'"));
    EXPECT_THAT(answer.error().mend, HasSubstr(std::to_string(bound.port)));
}

TEST(Unreachable, ANameThatDoesNotExistIsToldAsThat) {
    const auto answer = Client(place("nothing.invalid", 8443)).get("/v1/status");
    ASSERT_FALSE(answer);
    EXPECT_THAT(answer.error().why, HasSubstr("cannot resolve 'nothing.invalid'"));
    EXPECT_THAT(answer.error().mend, HasSubstr("give an address"));
}

TEST(Unreachable, SilenceIsNoRefusal) {
    const core::Error error = explain_silence(place("10.0.0.5", 8443), std::chrono::seconds(10));
    EXPECT_EQ(error.line(),
              "cannot reach gatehouse at 10.0.0.5:8443: no answer within 10s; check the address in --host, and whether "
              "a firewall drops port 8443");
}

TEST(Unreachable, ACertificateThatDoesNotHoldHasTheRemedyOfItsCause) {
    const Place there = place("gate.example.org", 8443);
    EXPECT_EQ(explain_certificate(there, X509_V_OK).why, "its certificate is not one of that name");
    EXPECT_EQ(explain_certificate(there, X509_V_OK).mend, "give --host a name that it has");
    for (const long unknown : {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY}) {
        EXPECT_THAT(explain_certificate(there, unknown).mend, HasSubstr("--ca"));
    }
    for (const long other :
         {X509_V_OK, X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_INVALID_PURPOSE}) {
        EXPECT_THAT(explain_certificate(there, other).mend, Not(HasSubstr("--ca"))) << other;
    }
}

TEST(Unreachable, AnAlertAboutACertificateNamesWhatWasShown) {
    const Place there = place("gate.example.org", 8443);
    EXPECT_THAT(explain_alert(there, SSL_AD_UNKNOWN_CA)->mend, HasSubstr("client_ca"));
    EXPECT_THAT(explain_alert(there, SSL_AD_CERTIFICATE_REQUIRED)->mend, HasSubstr("--cert and --key"));
    EXPECT_FALSE(explain_alert(there, SSL_AD_INTERNAL_ERROR));
    EXPECT_FALSE(explain_alert(there, -1));
}

}  // namespace
}  // namespace appliance::api
