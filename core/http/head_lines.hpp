// HeadLines: what request and response heads share: lines, fields, lengths and codings. Internal to the parser.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/http/parser.hpp"

namespace core::http {

// Why parsing stopped. status 0: nothing wrong; needs_more: the bytes ended first.
struct Fault {
    int status = 0;
    std::string_view reason;

    explicit operator bool() const noexcept { return status != 0; }
    static constexpr Fault needs_more() noexcept { return {-1, {}}; }
    [[nodiscard]] bool incomplete() const noexcept { return status == -1; }
};

// A place in the bytes of a head.
struct Cursor {
    const char* at;
    const char* end;

    [[nodiscard]] bool empty() const noexcept { return at == end; }
};

// Consumes CRLF. reason: the refusal when something else stands there.
Fault expect_line_end(Cursor& cursor, std::string_view reason) noexcept;

// Fields that decide about framing and connection; nullptr where absent. Each stands at most once.
struct FramingFields {
    const Field* host = nullptr;
    const Field* content_length = nullptr;
    const Field* transfer_encoding = nullptr;
    const Field* expect = nullptr;
    const Field* upgrade = nullptr;
    bool upgrade_repeated = false;
    bool has_connection = false;
};

// Consumes the field lines and the empty line after them.
Fault parse_fields(Cursor& cursor, const Limits& limits, Fields& fields, FramingFields& found) noexcept;

// RFC 9112 6.3 without the rules that differ between requests and responses: both fields together, a coding that is not
// chunked alone, a coding in HTTP/1.0, or a length that is not plain decimal are refused. Kind::none without either.
Fault parse_framing(const FramingFields& found, std::uint8_t minor, Framing& framing) noexcept;

// The protocol to switch to, where exactly one is asked for and it is one that may be passed on as a tunnel. h2c is not
// (requests inside it would pass by every rule of this proxy).
std::string_view single_upgrade(const FramingFields& found, const ConnectionOptions& options) noexcept;

// "HTTP/1.0" and "HTTP/1.1". The cursor holds the eight bytes. 505 for other versions, 400 for what is none.
Fault parse_version(Cursor& cursor, std::uint8_t& minor) noexcept;

// For bytes that end before the head does: incomplete, or the refusal that is due by now because no head within the
// limits can begin so. line_status: the refusal of a first line that is too long.
Fault judge_unfinished(std::string_view bytes, const Limits& limits, int line_status) noexcept;

// True when the bytes after seen hold no line end, so that parsing again could not get further than the last time.
bool nothing_new(std::string_view bytes, std::size_t seen) noexcept;

}  // namespace core::http
