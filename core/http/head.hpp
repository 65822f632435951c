// RequestHead and ResponseHead: a parsed head and everything that the proxy derives from it. All text is views: into
// the parsed bytes, into the parser's rewritten copy, or literals. A head is valid while those bytes stay in place.
// Large, and meant to be reused: parsing allocates only what it rewrites.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/http/fields.hpp"
#include "core/http/oddity.hpp"

namespace core::http {

// Where the body of a message ends (RFC 9112 6.3).
struct Framing {
    enum class Kind : std::uint8_t { none, length, chunked, until_close };

    Kind kind = Kind::none;
    std::uint64_t length = 0;  // bytes, of Kind::length

    // No byte of body follows the head.
    [[nodiscard]] bool empty() const noexcept { return kind == Kind::none || (kind == Kind::length && length == 0); }
    friend bool operator==(const Framing&, const Framing&) = default;
};

struct RequestHead {
    std::string_view method;       // a token; HEAD, GET, ... are written in capitals and compared so
    std::string_view target;       // as received, but for bytes above 0x7f, which are percent-encoded
    std::string_view path;         // begins with '/' (of "http://a" too), or is "*" of OPTIONS *; never normalised
    std::string_view query;        // with its '?', or empty; path and query are the origin-form
    std::string_view authority;    // of an absolute target, else the value of Host; may be empty
    std::string_view host;         // the same without port; an IPv6 literal keeps its brackets
    std::string_view upgrade;      // the one protocol that Connection and Upgrade ask for, or empty
    std::uint16_t port = 0;        // of authority; 0: none given
    std::uint8_t minor = 1;        // HTTP/1.minor: 0 or 1
    bool keep_alive = false;       // the client is willing to send another request on this connection (RFC 9112 9.3)
    bool https = false;            // the target is an https URI
    bool expect_continue = false;  // the client waits for 100 before it sends the body
    Framing framing;               // none, length or chunked
    Fields fields;
    // The target with bytes above 0x7f percent-encoded, where it had some; target, path and query then point into it.
    std::unique_ptr<std::string> rewritten;

    [[nodiscard]] bool is_head() const noexcept { return method == "HEAD"; }
    // RFC 9110 9.2.2: sending it twice has the effect of sending it once.
    [[nodiscard]] bool is_idempotent() const noexcept;
    void clear() noexcept;
};

struct ResponseHead {
    std::string_view reason;   // may be empty
    std::string_view upgrade;  // of 101 and 426: the protocol that Connection and Upgrade name; else empty
    std::uint16_t status = 0;  // 100 to 999
    std::uint8_t minor = 1;
    bool keep_alive = false;  // the backend connection may be used again after the body; never after 101
    // The answer to HEAD, and 304: Content-Length is GET's, and no body follows.
    bool length_describes = false;
    Framing framing;
    Fields fields;
    Oddities oddities;  // malformed parts that were accepted
    // The head without its oddities, where it had some; the views then point into it.
    std::unique_ptr<std::string> rewritten;

    // 1xx but 101: another head follows.
    [[nodiscard]] bool is_interim() const noexcept { return status < 200 && status != 101; }
    void clear() noexcept;
};

}  // namespace core::http
