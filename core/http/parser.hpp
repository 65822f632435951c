// The HTTP/1 head parser: bytes in, a head or a refusal out. Pure functions, called by the exchange, the HTTP probe and
// deploys' visits. Requests are read strictly. So are responses at first; a malformed response that has one reading is
// parsed a second time (straight.hpp). What is refused and why: tests/conformance, RFC 9110, RFC 9112.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/http/head.hpp"

namespace core::http {

// The longest head that any limit may allow.
inline constexpr std::size_t head_max = 64 * 1024;

// What is accepted. Sizes in bytes; fields above Fields::capacity means Fields::capacity.
struct Limits {
    std::size_t head = 16 * 1024;         // with the request line and the empty line
    std::size_t request_line = 8 * 1024;  // without its CRLF; also a status line's
    std::size_t fields = 100;
    std::size_t field_name = 256;
    std::size_t method = 32;
    bool https = false;  // a request may name an https URI: its client came by https

    friend bool operator==(const Limits&, const Limits&) = default;
};

struct ParseResult {
    enum class Verdict : unsigned char { incomplete, complete, bad };

    Verdict verdict = Verdict::incomplete;
    bool limit = false;         // bad: beyond one of Limits, so no sign of the sender's health
    int status = 0;             // bad: what to answer the client
    std::size_t consumed = 0;   // complete: the bytes of the head; the body begins there
    std::size_t offset = 0;     // bad: of the byte where parsing stopped
    std::string_view reason{};  // bad: a literal, one line for the log
    std::string_view field{};   // bad: the name of the field at fault, a view into the bytes; empty: none

    [[nodiscard]] bool complete() const noexcept { return verdict == Verdict::complete; }
    [[nodiscard]] bool bad() const noexcept { return verdict == Verdict::bad; }
};

// Parses the request head at the start of bytes, and ignores what follows it. seen: how many of these bytes an earlier
// call found incomplete (0: none). It keeps a head that arrives byte by byte cheap: one pass, and one more for each
// line. Never incomplete for limits.head bytes or more, so a buffer of that size suffices. bad: 400, 414 (line too
// long), 417 (an expectation other than 100-continue), 431 (fields too many or too large), 501 (CONNECT, an over-long
// method, a transfer coding below chunked) or 505. out is valid only after complete.
[[nodiscard]] ParseResult parse_request(std::string_view bytes, const Limits& limits, RequestHead& out,
                                        std::size_t seen = 0) noexcept;

// The same for a response to a request of that method, which decides whether a body follows. bad is always 502. A
// malformed head that has one reading by RFC 9112 is accepted: out.oddities says what was wrong, and memory is
// allocated. seen as above, where all earlier calls had the same limits.
[[nodiscard]] ParseResult parse_response(std::string_view bytes, const Limits& limits, std::string_view request_method,
                                         ResponseHead& out, std::size_t seen = 0) noexcept;

// Whether these bytes are only empty lines that may stand before a request line, or the beginning of one. Then no
// request has begun (RFC 9112 2.2).
bool only_empty_lines(std::string_view bytes) noexcept;

}  // namespace core::http
