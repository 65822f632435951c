// HeadLines: what request and response heads share: lines, fields, lengths and codings. Internal to the parser.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/http/parser.hpp"

namespace core::http {

// Why parsing stopped. status 0: nothing wrong; needs_more: the bytes ended first.
struct Fault {
    enum class Kind : std::uint8_t {
        malformed,
        limit,  // beyond one of Limits
        odd,    // malformed, but straighten() may find the one reading of an answer
    };

    constexpr Fault() noexcept = default;
    constexpr Fault(int with, std::string_view why, Kind what = Kind::malformed) noexcept
        : status(with), kind(what), reason(why) {}

    int status = 0;
    Kind kind = Kind::malformed;
    std::string_view reason;

    explicit operator bool() const noexcept { return status != 0; }
    static constexpr Fault needs_more() noexcept { return {-1, {}}; }
    [[nodiscard]] bool incomplete() const noexcept { return status == -1; }
};

// A place in the bytes of a head. Where parsing stops at a fault, at is the byte that is to blame, as far as one is.
struct Cursor {
    const char* at;
    const char* end;
    std::string_view field{};  // of a fault: the field that it is about; empty: none

    [[nodiscard]] bool empty() const noexcept { return at == end; }
};

// RFC 9112 2.2 wants at least one to be passed over before a request line: old clients end a body with one.
inline constexpr std::size_t empty_lines_max = 2;

// Consumes CRLF. reason: the refusal when something else stands there.
Fault expect_line_end(Cursor& cursor, std::string_view reason) noexcept;

// Fields that decide about framing and connection; nullptr where absent. Each stands at most once, but for Host and
// Expect in a response, where they mean nothing.
struct FramingFields {
    bool of_response = false;
    const Field* host = nullptr;
    const Field* content_length = nullptr;
    const Field* transfer_encoding = nullptr;
    const Field* expect = nullptr;
    const Field* upgrade = nullptr;
    bool upgrade_repeated = false;
    bool has_connection = false;
};

// A fault that a field as a whole is to blame for.
inline Fault blame(Cursor& cursor, const Field* field, const Fault& fault) noexcept {
    if (fault && field != nullptr) [[unlikely]] {
        cursor.at = field->name.data();
        cursor.field = field->name;
    }
    return fault;
}

// Consumes the field lines and the empty line after them.
Fault parse_fields(Cursor& cursor, const Limits& limits, Fields& fields, FramingFields& found) noexcept;

// RFC 9112 6.3 without the rules that differ between requests and responses: both fields together, a coding that is not
// chunked alone, a coding in HTTP/1.0, or a length that is not plain decimal are refused. Kind::none without either.
Fault parse_framing(Cursor& cursor, const FramingFields& found, std::uint8_t minor, Framing& framing) noexcept;

// The protocol to switch to, where exactly one is asked for and it is one that may be passed on as a tunnel. h2c is not
// (requests inside it would pass by every rule of this proxy).
std::string_view single_upgrade(const FramingFields& found, const ConnectionOptions& options) noexcept;

// "HTTP/1.0" to "HTTP/1.9". The cursor holds the eight bytes. RFC 9110 2.5: a minor version above ours is spoken to as
// HTTP/1.1. 505 for other versions, 400 for what is none.
Fault parse_version(Cursor& cursor, std::uint8_t& minor) noexcept;

// For bytes that end before the head does: incomplete, or the refusal that is due by now because no head within the
// limits can begin so. line_status: the refusal of a first line that is too long.
Fault judge_unfinished(std::string_view bytes, const Limits& limits, int line_status) noexcept;

// The refusal with that status that fault is, of bytes that cursor went through.
ParseResult refuse(const Fault& fault, int status, const Cursor& cursor, std::string_view bytes) noexcept;

// What parsing of bytes, which cursor went through, has come to; of a refusal with that status.
inline ParseResult conclude(const Fault& fault, int status, const Cursor& cursor, std::string_view bytes) noexcept {
    if (fault) [[unlikely]] {
        return refuse(fault, status, cursor, bytes);
    }
    return {.verdict = ParseResult::Verdict::complete, .consumed = static_cast<std::size_t>(cursor.at - bytes.data())};
}

// True when the bytes after seen hold no line end, so that parsing again could not get further than the last time.
bool nothing_new(std::string_view bytes, std::size_t seen) noexcept;

}  // namespace core::http
