// The writer: heads into bytes. No framing is copied from one side to the other: it is made anew from what the parser
// understood. Called by the exchange, the maintenance page and the HTTP probe.
//
// Each write_ function writes from the start of buffer. Returns the size, or 0 when the buffer is too small (its
// content is undefined then). A forwarded head is at most growth_max bytes longer than the received one (or the
// parser's rewritten copy).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/http/head.hpp"

namespace core::http {

// Half of it is for answers with lines without their CR, or fields without a blank behind the colon. Holds while
// client, proto, host_fallback, request_id, date and cookie's parts have at most 64 bytes each. RequestOptions::host
// has at most host_max.
inline constexpr std::size_t growth_max = 2560;
// The longest DNS name and a port. A longer Host is forwarded, but not repeated in another field.
inline constexpr std::size_t host_max = 261;

// The largest size of a written head that was received in received bytes.
[[nodiscard]] std::size_t written_max(const RequestHead& head, std::size_t received) noexcept;
[[nodiscard]] std::size_t written_max(const ResponseHead& head, std::size_t received) noexcept;

// What a head says about its connection. RFC 9112 9.3: HTTP/1.1 keeps it unless it says close; HTTP/1.0 only if it says
// keep-alive.
enum class Persistence : std::uint8_t { implied, keep_alive, close };

// How to tell this client that its connection stays open.
[[nodiscard]] Persistence staying_open(const RequestHead& request) noexcept;

// What the backend is told about the request's origin.
struct Origin {
    // Claims of an untrusted client (X-Forwarded-*, Forwarded, Via, X-Real-IP) are removed. The backend gets one
    // X-Forwarded-For, with the address that we have seen. A trusted client's claims are kept, and its address is
    // appended.
    enum class Peer : std::uint8_t { untrusted, trusted };

    std::string_view client;          // the peer's address without port; not empty
    std::string_view proto = "http";  // the scheme that the client used; not repeated from its fields
    Peer peer = Peer::untrusted;
    bool forwarded = false;  // also write a Forwarded field (RFC 7239)
    bool via = false;        // add a Via field (RFC 9110 7.6.3)
};

struct RequestOptions {
    // Whether Expect: 100-continue is forwarded to the backend, or the exchange answers it itself.
    enum class Expect : std::uint8_t { remove, forward };

    Origin origin;
    std::string_view host_fallback;  // Host for a request without one (HTTP/1.0); not empty: the backend's address
    std::string_view host;  // Host for the backend, the client's own then in X-Forwarded-Host; empty: the client's
    std::string_view cookie_taken;  // a cookie's name, byte by byte, that is not forwarded; empty: all are
    std::string_view request_id;    // X-Request-Id, in the place of any other; empty: whatever the client sent
    Expect expect = Expect::remove;
    Persistence persistence = Persistence::implied;  // of the backend connection
};

// The head for a backend: HTTP/1.1, target in origin form, hop-by-hop fields removed, framing and upgrade from head. A
// body follows as head.framing says.
[[nodiscard]] std::size_t write_request(const RequestHead& head, const RequestOptions& options,
                                        std::span<char> buffer) noexcept;

// The framing of a response's body for a client that speaks HTTP/1.client_minor. As received, but chunked where the
// body would end with the connection. For a client without chunked coding it ends with the connection, which must then
// be closed.
[[nodiscard]] Framing framing_towards(std::uint8_t client_minor, const ResponseHead& head) noexcept;

// A cookie for the whole site, until the browser closes. secure: the visitor came by https. Then pages of other sites
// that embed this one send it too (SameSite=None, which browsers accept with Secure only); else they do not.
struct SetCookie {
    std::string_view name;  // a token; empty: no cookie
    std::string_view value;
    bool secure = false;
};

struct ResponseOptions {
    Framing framing;  // of framing_towards
    Persistence persistence = Persistence::implied;
    std::string_view date;  // for a final response without Date (RFC 9110 6.6.1); empty: none
    SetCookie cookie{};     // added; then no shared cache may keep the response, as the cookie is one client's
};

// The head for the client: HTTP/1.1, the backend's status, reason and end-to-end fields. 101 and 426 keep their
// Upgrade. Other 1xx have no Connection field.
[[nodiscard]] std::size_t write_response(const ResponseHead& head, const ResponseOptions& options,
                                         std::span<char> buffer) noexcept;

// An answer of our own. The caller sends content_length bytes after it, or none where the request was HEAD.
struct Answer {
    int status = 503;
    std::string_view date;          // empty: none
    std::string_view content_type;  // empty: none
    std::uint64_t content_length = 0;
    Persistence persistence = Persistence::close;
    std::span<const Field> extra;  // written as they are
};

[[nodiscard]] std::size_t write_answer(const Answer& answer, std::span<char> buffer) noexcept;

inline constexpr std::string_view server_name = "gatehouse";
// The interim response after which a waiting client sends its body.
inline constexpr std::string_view continue_head = "HTTP/1.1 100 Continue\r\n\r\n";

// "<hex size>CRLF" before the bytes of a chunk; size above 0. chunk_end follows the bytes, last_chunk ends the body.
inline constexpr std::size_t chunk_line_max = 18;
[[nodiscard]] std::size_t write_chunk_line(std::uint64_t size, std::span<char, chunk_line_max> buffer) noexcept;
inline constexpr std::string_view chunk_end = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace core::http
