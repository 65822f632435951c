#include "appliance/guard/connection.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace appliance::guard {
namespace {

using Descriptor = core::base::Descriptor;
using Clock = std::chrono::steady_clock;
using TlsContext = std::unique_ptr<SSL_CTX, decltype([](SSL_CTX* context) { ::SSL_CTX_free(context); })>;

constexpr std::size_t piece = 16'384;  // a TLS record
constexpr const char* no_answer = "no answer in time";
constexpr const char* closed = "it closed the connection";

bool wait_until(int socket, short events, Deadline deadline) {
    for (;;) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
        pollfd entry{socket, events, 0};
        const int ready = left <= 0 ? 0 : ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000)));
        if (ready > 0) {
            return true;
        }
        if (left <= 0 || (ready < 0 && errno != EINTR)) {
            return false;
        }
    }
}

core::Result<Descriptor> open_socket(const core::Address& address, Deadline deadline) {
    Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_storage storage{};
    const socklen_t size = address.fill(storage);
    if (!socket.valid()) {
        return core::fail_os("no connection", errno);
    }
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 && errno != EINPROGRESS) {
        return core::fail_os("no connection", errno);
    }
    if (!wait_until(socket.get(), POLLOUT, deadline)) {
        return core::fail("no connection", no_answer);
    }
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &length);
    return error == 0 ? core::Result<Descriptor>(std::move(socket)) : core::fail_os("no connection", error);
}

core::Result<TlsContext> make_client_context(const std::filesystem::path& ca_file) {
    TlsContext context(::SSL_CTX_new(::TLS_client_method()));
    const bool ready = context && ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION) == 1;
    const bool trusting =
        ready && (ca_file.empty() ? ::SSL_CTX_set_default_verify_paths(context.get())
                                  : ::SSL_CTX_load_verify_locations(context.get(), ca_file.c_str(), nullptr)) == 1;
    if (!trusting) {
        ::ERR_clear_error();
        return core::fail("the authorities' certificates cannot be read", ca_file.string());
    }
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    return context;
}

// Sets the name that the certificate is verified against, and the server name (SNI).
bool expect(SSL* tls, const std::string& host) {
    std::array<unsigned char, sizeof(in6_addr)> bytes{};
    const bool number =
        ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
    if (number) {
        return ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(tls), host.c_str()) == 1;
    }
    return ::SSL_set1_host(tls, host.c_str()) == 1 && ::SSL_set_tlsext_host_name(tls, host.c_str()) == 1;
}

}  // namespace

Connection::Connection(Descriptor socket, Deadline deadline) : socket_(std::move(socket)), deadline_(deadline) {}
Connection::Connection(Connection&&) noexcept = default;
Connection::~Connection() = default;

void Connection::FreeTls::operator()(ssl_st* tls) const {
    ::SSL_free(tls);
}

core::Result<Connection> Connection::open(const std::vector<core::Address>& addresses, Deadline deadline) {
    core::Error error{"no connection", "no address", {}, 0};
    for (std::size_t at = 0; at < addresses.size(); ++at) {
        const auto share = (deadline - Clock::now()) / static_cast<std::int64_t>(addresses.size() - at);
        auto socket = open_socket(addresses[at], Clock::now() + share);
        if (socket) {
            return Connection(std::move(*socket), deadline);
        }
        error = std::move(socket.error());
    }
    return tl::unexpected(std::move(error));
}

bool Connection::wait(short events) const {
    return wait_until(socket_.get(), events, deadline_);
}

core::Result<void> Connection::send_plain(std::string_view bytes) const {
    while (!bytes.empty()) {
        if (!wait(POLLOUT)) {
            return core::fail(no_answer);
        }
        const ssize_t sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            return errno == EPIPE || errno == ECONNRESET ? core::fail(closed) : core::fail_os("cannot send", errno);
        }
        bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(sent, 0)));
    }
    return {};
}

core::Result<bool> Connection::receive_plain(std::string& to) {
    std::array<char, piece> buffer;
    for (;;) {
        // Checks the deadline also when bytes are waiting: a fast server could otherwise pass it.
        if (Clock::now() >= deadline_ || !wait(POLLIN)) {
            return core::fail(no_answer);
        }
        const ssize_t got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            continue;
        }
        if (got < 0) {
            return errno == ECONNRESET ? core::fail(closed, "with a reset") : core::fail_os("cannot receive", errno);
        }
        received_ += static_cast<std::uint64_t>(got);
        if (received_ > received_max) {
            return core::fail("it sends more than 64 MiB");
        }
        to.append(buffer.data(), static_cast<std::size_t>(got));
        return got > 0;
    }
}

core::Result<void> Connection::secure(const std::string& host, const std::filesystem::path& ca_file) {
    const auto context = make_client_context(ca_file);
    if (!context) {
        return tl::unexpected(context.error());
    }
    // Over memory, because OpenSSL's own sockets raise SIGPIPE. The two belong to the connection then.
    BIO* input = ::BIO_new(::BIO_s_mem());
    BIO* output = ::BIO_new(::BIO_s_mem());
    tls_.reset(::SSL_new(context->get()));
    if (tls_ == nullptr || input == nullptr || output == nullptr || !expect(tls_.get(), host)) {
        ::BIO_free(input);
        ::BIO_free(output);
        return core::fail("no TLS connection", "out of memory, or the host is no name");
    }
    ::BIO_set_mem_eof_return(input, -1);
    ::SSL_set_bio(tls_.get(), input, output);
    for (;;) {
        ::ERR_clear_error();
        const int done = ::SSL_connect(tls_.get());
        const bool wants = done != 1 && ::SSL_get_error(tls_.get(), done) == SSL_ERROR_WANT_READ;
        if (done != 1 && !wants) {
            auto trouble = tls_trouble();
            static_cast<void>(flush());  // the alert that tells the server why
            return trouble;
        }
        if (auto flushed = flush(); !flushed || done == 1) {
            return flushed;
        }
        const auto fed = feed();
        if (!fed || !*fed) {
            return fed ? core::fail("no TLS connection", closed) : core::Result<void>(tl::unexpected(fed.error()));
        }
    }
}

core::Result<void> Connection::tls_trouble() const {
    const long verdict = ::SSL_get_verify_result(tls_.get());
    if (verdict != X509_V_OK) {
        return core::fail("its certificate does not hold", ::X509_verify_cert_error_string(verdict));
    }
    const unsigned long code = ::ERR_get_error();
    ::ERR_clear_error();
    const char* reason = ::ERR_reason_error_string(code);
    return core::fail("no TLS connection", reason == nullptr ? "" : reason);
}

core::Result<void> Connection::flush() {
    std::array<char, piece> buffer;
    for (;;) {
        const int got = ::BIO_read(::SSL_get_wbio(tls_.get()), buffer.data(), buffer.size());
        if (got <= 0) {
            return {};
        }
        if (auto sent = send_plain({buffer.data(), static_cast<std::size_t>(got)}); !sent) {
            return sent;
        }
    }
}

core::Result<bool> Connection::feed() {
    std::string bytes;
    auto more = receive_plain(bytes);
    ::BIO_write(::SSL_get_rbio(tls_.get()), bytes.data(), static_cast<int>(bytes.size()));
    return more;
}

core::Result<void> Connection::send(std::string_view bytes) {
    if (tls_ == nullptr) {
        return send_plain(bytes);
    }
    ::ERR_clear_error();
    // Into memory, all at once.
    if (::SSL_write(tls_.get(), bytes.data(), static_cast<int>(bytes.size())) <= 0) {
        return tls_trouble();
    }
    return flush();
}

core::Result<bool> Connection::receive(std::string& to) {
    if (tls_ == nullptr) {
        return receive_plain(to);
    }
    std::array<char, piece> buffer;
    for (;;) {
        ::ERR_clear_error();
        const int got = ::SSL_read(tls_.get(), buffer.data(), buffer.size());
        if (got > 0) {
            to.append(buffer.data(), static_cast<std::size_t>(got));
            return true;
        }
        const int kind = ::SSL_get_error(tls_.get(), got);
        if (kind == SSL_ERROR_ZERO_RETURN) {
            return false;
        }
        if (kind != SSL_ERROR_WANT_READ) {
            return tl::unexpected(tls_trouble().error());
        }
        if (auto flushed = flush(); !flushed) {
            return tl::unexpected(std::move(flushed.error()));
        }
        const auto fed = feed();
        if (!fed || !*fed) {
            // Without a close_notify, a party on the network may have cut it off.
            return fed ? core::fail(closed, "without ending TLS") : fed;
        }
    }
}

}  // namespace appliance::guard
