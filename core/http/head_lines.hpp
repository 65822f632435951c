// HeadLines: lines, fields, lengths and codings, which request and response heads share. Internal to the parser.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/http/parser.hpp"

namespace core::http {

// Why parsing stopped. status 0: no fault; needs_more: the bytes ended first.
struct Fault {
    enum class Kind : std::uint8_t {
        malformed,
        limit,  // beyond one of Limits
        odd,    // malformed, but straighten() may find the single reading of an answer
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

// A place in the bytes of a head. After a fault, at points to the byte at fault, where there is one.
struct Cursor {
    const char* at;
    const char* end;
    std::string_view field{};  // of a fault: the field at fault; empty: none

    [[nodiscard]] bool empty() const noexcept { return at == end; }
};

// RFC 9112 2.2 wants at least one to be skipped before a request line: old clients send one after a body.
inline constexpr std::size_t empty_lines_max = 2;

// Consumes CRLF. reason: of the refusal of anything else.
Fault expect_line_end(Cursor& cursor, std::string_view reason) noexcept;

// Fields that decide about framing and connection; nullptr where absent. Each stands at most once. Exceptions are Host
// and Expect in a response, where they mean nothing.
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

// Names field as the cause of fault.
inline Fault blame(Cursor& cursor, const Field* field, const Fault& fault) noexcept {
    if (fault && field != nullptr) [[unlikely]] {
        cursor.at = field->name.data();
        cursor.field = field->name;
    }
    return fault;
}

// Consumes the field lines and the empty line after them.
Fault parse_fields(Cursor& cursor, const Limits& limits, Fields& fields, FramingFields& found) noexcept;

// RFC 9112 6.3, without the rules that differ between requests and responses. Refuses: both fields together; a coding
// other than chunked alone; a coding in HTTP/1.0; a length that is not plain decimal. Kind::none without either field.
Fault parse_framing(Cursor& cursor, const FramingFields& found, std::uint8_t minor, Framing& framing) noexcept;

// The protocol to switch to, where exactly one is asked for and it may be tunnelled. h2c may not: requests inside it
// would bypass every rule of this proxy.
std::string_view single_upgrade(const FramingFields& found, const ConnectionOptions& options) noexcept;

// "HTTP/1.0" to "HTTP/1.9". The cursor holds the eight bytes. A minor version above ours is treated as HTTP/1.1 (RFC
// 9110 2.5). 505 for other versions, 400 for anything else.
Fault parse_version(Cursor& cursor, std::uint8_t& minor) noexcept;

// For bytes that end before the head does: incomplete, or already a refusal, because no head within the limits can
// begin so. line_status: the status for a first line that is too long.
Fault judge_unfinished(std::string_view bytes, const Limits& limits, int line_status) noexcept;

// Turns fault into a refusal with that status. cursor went through bytes.
ParseResult refuse(const Fault& fault, int status, const Cursor& cursor, std::string_view bytes) noexcept;

// The result of parsing bytes, which cursor went through; status is for a refusal.
inline ParseResult conclude(const Fault& fault, int status, const Cursor& cursor, std::string_view bytes) noexcept {
    if (fault) [[unlikely]] {
        return refuse(fault, status, cursor, bytes);
    }
    return {.verdict = ParseResult::Verdict::complete, .consumed = static_cast<std::size_t>(cursor.at - bytes.data())};
}

// True when the bytes after seen hold no line end: parsing again could get no further.
bool nothing_new(std::string_view bytes, std::size_t seen) noexcept;

}  // namespace core::http
