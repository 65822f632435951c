// Client: speaks to a control process over its Unix socket, or over TLS to one on another machine; one request per
// connection. Used by the command line.
// The HTTP library stays behind client.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.hpp"

namespace appliance::api {

// What the control process said, whatever the status: 200 to 599.
struct Answer {
    unsigned status = 0;
    std::string type;  // "application/json"; without parameters
    std::string body;
};

// The control socket's default path.
inline constexpr std::string_view default_socket = "/run/gatehouse/control.sock";

// A daemon on another machine, and the credentials for it. Files are PEM; an empty path: none.
struct Place {
    static constexpr std::uint16_t default_port = 8443;

    std::string host;  // a name or an address
    std::uint16_t port = default_port;
    std::string token;               // empty: none
    std::string ca_file{};           // its certificate is verified against these; empty: the system's authorities
    std::string certificate_file{};  // to be shown, with its key
    std::string key_file{};

    // "gate.example.org", "10.0.0.5:9443", "[fd00::5]:8443". Error: it is none of these.
    static core::Result<Place> parse(std::string_view text);
    // As parse() takes it.
    [[nodiscard]] std::string text() const;
};

class Client {
public:
    // Connects only when asked something. The path is at most 107 bytes long, as unix(7) wants it.
    explicit Client(std::string socket_path) : socket_path_(std::move(socket_path)) {}
    // The daemon's certificate must be valid, and for that host.
    explicit Client(Place place) : place_(std::move(place)) {}

    // Blocks the calling thread. timeout: the longest wait for the first byte, and from one byte to the next. Errors:
    // the daemon does not run, refuses this user, does not answer in time, or closed the connection early. An answer
    // with any status is a value. The caller ignores SIGPIPE.
    core::Result<Answer> get(const std::string& path, std::chrono::milliseconds timeout = answer_timeout) const;
    // body is JSON.
    core::Result<Answer> post(const std::string& path, const std::string& body,
                              std::chrono::milliseconds timeout = answer_timeout) const;

    // body is the text of a configuration.
    core::Result<Answer> put(const std::string& path, const std::string& body,
                             std::chrono::milliseconds timeout = answer_timeout) const;

    // A streamed body: on_bytes gets each piece, until it returns false or the body ends. timeout: between two bytes.
    // The answer's body is empty, unless its status is another than 200.
    core::Result<Answer> follow(const std::string& path, const std::function<bool(std::string_view)>& on_bytes,
                                std::chrono::milliseconds timeout) const;

    // The control process answers from memory. One that takes longer than this is stuck.
    static constexpr std::chrono::milliseconds answer_timeout{10'000};

private:
    std::string socket_path_;
    std::optional<Place> place_;
};

}  // namespace appliance::api
