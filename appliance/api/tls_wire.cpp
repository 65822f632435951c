// The server's side of TLS on one connection.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <climits>
#include <string_view>
#include <utility>

#include "appliance/api/wire.hpp"
#include "appliance/tls/server_context.hpp"

namespace appliance::api {
namespace {

using Ssl = std::unique_ptr<SSL, decltype([](SSL* ssl) { ::SSL_free(ssl); })>;

class TlsWire final : public Wire {
public:
    TlsWire(int socket, std::chrono::milliseconds patience, SSL_CTX* context)
        : Wire(socket, Clock::now() + patience), ssl_(::SSL_new(context)) {}

    core::Result<void> shake_hands() {
        if (!ssl_ || ::SSL_set_fd(ssl_.get(), fd()) != 1) {
            return core::fail("no TLS", "out of memory");
        }
        for (;;) {
            ::ERR_clear_error();
            const Tried tried = judge(::SSL_accept(ssl_.get()));
            if (tried.bytes > 0) {
                established_ = true;
                return {};
            }
            if (tried.wait == 0) {
                return fail();
            }
            if (!wait_for(tried.wait, read_by_)) {
                return core::fail("no TLS", "the handshake took too long");
            }
        }
    }

    void end() override {
        if (!established_) {
            return;
        }
        ::ERR_clear_error();
        ::SSL_shutdown(ssl_.get());
        ::shutdown(fd(), SHUT_WR);
        linger();
    }

    [[nodiscard]] std::string certificate() const override {
        return tls::common_name(::SSL_get0_peer_certificate(ssl_.get()));
    }

protected:
    Tried try_read(char* bytes, std::size_t size) override {
        ::ERR_clear_error();
        return judge(::SSL_read(ssl_.get(), bytes, static_cast<int>(std::min<std::size_t>(size, INT_MAX))));
    }
    Tried try_write(const char* bytes, std::size_t size) override {
        ::ERR_clear_error();
        return judge(::SSL_write(ssl_.get(), bytes, static_cast<int>(std::min<std::size_t>(size, INT_MAX))));
    }

private:
    Tried judge(int result) {
        if (result > 0) {
            return {result, 0};
        }
        switch (::SSL_get_error(ssl_.get(), result)) {
            case SSL_ERROR_WANT_READ:
                return {-1, POLLIN};
            case SSL_ERROR_WANT_WRITE:
                return {-1, POLLOUT};
            case SSL_ERROR_ZERO_RETURN:
                return {0, 0};
            default:
                // After anything else the connection must not even be shut down (SSL_shutdown(3)).
                established_ = false;
                return {-1, 0};
        }
    }

    tl::unexpected<core::Error> fail() {
        const unsigned long code = ::ERR_peek_error();
        if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST) {
            static constexpr std::string_view answer =
                "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
                R"({"error":{"what":"this port speaks TLS","why":"","mend":"use https"}})"
                "\n";
            static_cast<void>(::send(fd(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
            established_ = true;  // far enough to end it in order
            ::shutdown(fd(), SHUT_WR);
        }
        return core::fail("no TLS", code == 0 ? "the peer went away" : tls::reason(code));
    }

    Ssl ssl_;
    bool established_ = false;
};

}  // namespace

core::Result<std::unique_ptr<Wire>> make_tls_wire(int fd, std::chrono::milliseconds patience, ssl_ctx_st* context) {
    auto wire = std::make_unique<TlsWire>(fd, patience, context);
    if (auto done = wire->shake_hands(); !done) {
        return tl::unexpected(std::move(done.error()));
    }
    return wire;
}

}  // namespace appliance::api
