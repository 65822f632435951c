// The HTTP/1 head parser: bytes in, a head or a refusal out. Pure functions, called by the exchange for every request
// and response, by the HTTP probe and by deploys' visits. Requests are read strictly. So are responses at first; what
// is odd, and has one reading, gets a second look (straight.hpp). What is refused and why: tests/conformance, RFC 9110,
// RFC 9112.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/http/head.hpp"

namespace core::http {

// The longest head that any limit may allow.
inline constexpr std::size_t head_max = 64 * 1024;

// What is taken. Sizes in bytes; fields above Fields::capacity means Fields::capacity.
struct Limits {
    std::size_t head = 16 * 1024;         // with the request line and the empty line
    std::size_t request_line = 8 * 1024;  // without its CRLF; also a status line's
    std::size_t fields = 100;
    std::size_t field_name = 256;
    std::size_t method = 32;
    bool https = false;  // a request may name an https URI: it came by https to whoever sends it

    friend bool operator==(const Limits&, const Limits&) = default;
};

struct ParseResult {
    enum class Verdict : unsigned char { incomplete, complete, bad };

    Verdict verdict = Verdict::incomplete;
    bool limit = false;         // bad: by one of Limits, so it says nothing about the sender's health
    int status = 0;             // bad: what to answer the client
    std::size_t consumed = 0;   // complete: the bytes of the head; the body begins there
    std::size_t offset = 0;     // bad: of the byte where parsing stopped
    std::string_view reason{};  // bad: a literal, one line for the log
    std::string_view field{};   // bad: the name of the field to blame, a view into the bytes; empty: none

    [[nodiscard]] bool complete() const noexcept { return verdict == Verdict::complete; }
    [[nodiscard]] bool bad() const noexcept { return verdict == Verdict::bad; }
};

// Parses the request head at the start of bytes; what follows it is left alone. seen: how many of these bytes an
// earlier call has already found incomplete (0: none), so that a head that dribbles in costs one pass over it and one
// more for each of its lines, not one for each byte. Never incomplete for limits.head bytes or more, so a buffer of
// that size suffices. bad: 400, 414 (line too long), 417 (an expectation other than 100-continue), 431 (fields too many
// or too large), 501 (CONNECT, an over-long method, a transfer coding below chunked) or 505. Only out's validity after
// complete is promised.
[[nodiscard]] ParseResult parse_request(std::string_view bytes, const Limits& limits, RequestHead& out,
                                        std::size_t seen = 0) noexcept;

// The same for a response to a request of that method, which decides whether a body follows. bad is always 502. What is
// malformed and has one reading by RFC 9112 is taken all the same, and out.oddities says what it was: for such a head
// memory is allocated. seen as above, where all earlier calls had the same limits.
[[nodiscard]] ParseResult parse_response(std::string_view bytes, const Limits& limits, std::string_view request_method,
                                         ResponseHead& out, std::size_t seen = 0) noexcept;

// Whether these bytes are nothing but empty lines that may stand before a request line, or the beginning of one: no
// request has begun (RFC 9112 2.2).
bool only_empty_lines(std::string_view bytes) noexcept;

}  // namespace core::http
