// Connection: bytes to and from a server of the internet, plain or over TLS, with one deadline for all of it. Blocking;
// one thread. OpenSSL stays behind connection.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/address.hpp"
#include "core/base/descriptor.hpp"
#include "core/base/result.hpp"

struct ssl_st;

namespace appliance::guard {

using Deadline = std::chrono::steady_clock::time_point;

// Bytes that a connection receives: an answer's, with its framing and TLS's overhead.
inline constexpr std::uint64_t received_max = std::uint64_t{64} << 20;

class Connection {
public:
    // Tries the addresses one after the other, each with its share of the time that is left.
    static core::Result<Connection> open(const std::vector<core::Address>& addresses, Deadline deadline);

    Connection(Connection&&) noexcept;
    Connection& operator=(Connection&&) = delete;
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;
    ~Connection();

    // TLS 1.2 or newer; the certificate is verified for host, against the system's authorities or ca_file's.
    core::Result<void> secure(const std::string& host, const std::filesystem::path& ca_file);
    core::Result<void> send(std::string_view bytes);
    // Appends what has come; false where the server has closed in order. Errors, as of the others: the deadline, more
    // than received_max, a broken connection, a TLS error.
    core::Result<bool> receive(std::string& to);

private:
    Connection(core::base::Descriptor socket, Deadline deadline);
    [[nodiscard]] bool wait(short events) const;
    core::Result<void> send_plain(std::string_view bytes) const;
    core::Result<bool> receive_plain(std::string& to);
    // Sends what TLS has to say; receives what it wants to hear. False: the server has closed.
    core::Result<void> flush();
    core::Result<bool> feed();
    [[nodiscard]] core::Result<void> tls_trouble() const;

    struct FreeTls {
        void operator()(ssl_st* tls) const;
    };
    core::base::Descriptor socket_;
    Deadline deadline_;
    std::uint64_t received_ = 0;
    std::unique_ptr<ssl_st, FreeTls> tls_;
};

}  // namespace appliance::guard
