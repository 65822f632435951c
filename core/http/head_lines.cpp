#include "core/http/head_lines.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "core/http/characters.hpp"

namespace core::http {
namespace {

// Host, the lengths and Expect at most once: two of them give one message two readings.
Fault note(const Field& field, FramingFields& found) noexcept {
    const auto once = [&field](const Field*& slot, std::string_view reason, Fault::Kind kind = Fault::Kind::malformed) {
        const Fault fault = slot != nullptr ? Fault{400, reason, kind} : Fault{};
        slot = &field;
        return fault;
    };
    switch (field.known) {
        case Known::host:
            return found.of_response ? Fault{} : once(found.host, "more than one Host");
        case Known::content_length:
            return once(found.content_length, "more than one Content-Length", Fault::Kind::odd);
        case Known::transfer_encoding:
            return once(found.transfer_encoding, "more than one Transfer-Encoding");
        case Known::expect:
            return found.of_response ? Fault{} : once(found.expect, "more than one Expect");
        case Known::upgrade:
            found.upgrade_repeated = found.upgrade != nullptr;
            found.upgrade = &field;
            return {};
        case Known::connection:
            found.has_connection = true;
            return {};
        case Known::other:
        case Known::hop_by_hop:
        case Known::forwarded_for:
        case Known::forwarded_proto:
        case Known::forwarding:
        case Known::request_id:
        case Known::date:
        case Known::cookie:
        case Known::unsafe:
            break;
    }
    return {};
}

Fault parse_name(Cursor& cursor, const Limits& limits, Field& field) noexcept {
    const char* const begin = cursor.at;
    const char* at = begin;
    std::uint8_t bits = 0;
    std::uint8_t pairs = 0;  // classes that two bytes in a row have
    std::uint8_t before = 0;
    while (at != cursor.end && (class_of(*at) & is_token) != 0) {
        const std::uint8_t now = class_of(*at);
        bits |= now;
        pairs |= now & before;
        before = now;
        ++at;
    }
    const auto length = static_cast<std::size_t>(at - begin);
    if (length > limits.field_name) {
        cursor.field = {begin, limits.field_name};
        return {431, "a field name is too long", Fault::Kind::limit};
    }
    if (at == cursor.end) {
        return Fault::needs_more();
    }
    if (*at != ':') {
        const bool blank = is_blank(*at);
        const bool odd = blank || (*at == '\n' && length == 0);
        cursor.at = at;
        cursor.field = {begin, length};
        return {400,
                blank && length == 0 ? "a line that begins with white space"
                : blank              ? "white space before the colon"
                                     : "a byte that no field name may hold, or no colon",
                odd ? Fault::Kind::odd : Fault::Kind::malformed};
    }
    if (length == 0) {
        return {400, "an empty field name"};
    }
    field.name = {begin, length};
    const bool plain = ((bits & is_folded) | (pairs & is_dash)) == 0;
    field.known = plain ? classify(field.name) : classify_folded(field.name);
    cursor.at = at + 1;
    return {};
}

Fault parse_value(Cursor& cursor, Field& field) noexcept {
    const char* begin = cursor.at;
    while (begin != cursor.end && is_blank(*begin)) {
        ++begin;
    }
    const char* finish = skip_value(begin, cursor.end);
    cursor.at = finish;
    while (finish != begin && is_blank(finish[-1])) {
        --finish;
    }
    field.value = {begin, static_cast<std::size_t>(finish - begin)};
    const Fault fault = expect_line_end(cursor, "a control byte or a bare CR or LF in a field");
    if (fault) {
        cursor.field = field.name;
    }
    return fault;
}

Fault parse_length(std::string_view text, std::uint64_t& length) noexcept {
    if (!all_of_class(text, is_digit)) {
        return {400, "Content-Length is not a plain decimal number", Fault::Kind::odd};
    }
    // Below 2^63, so that sums with head and chunk sizes cannot overflow later.
    constexpr std::uint64_t length_max = std::numeric_limits<std::int64_t>::max();
    std::uint64_t value = 0;
    for (const char c : text) {
        const auto digit = static_cast<std::uint64_t>(c - '0');
        if (value > (length_max - digit) / 10) {
            return {400, "Content-Length is too large"};
        }
        value = value * 10 + digit;
    }
    length = value;
    return {};
}

// RFC 9112 6.1: 501 for unknown codings below a final chunked; 400 for all that leave the body's end open.
Fault refuse_coding(std::string_view value) noexcept {
    std::size_t members = 0;
    std::size_t chunked = 0;
    const bool sparse = value.find(',') != std::string_view::npos;
    std::string_view last;
    List codings(value);
    for (std::string_view coding; codings.next(coding); last = coding) {
        if (!valid_token(coding)) {
            return {400, "Transfer-Encoding is malformed"};
        }
        ++members;
        chunked += equals_ignoring_case(coding, "chunked") ? 1U : 0U;
    }
    if (members > 1 && chunked == 1 && equals_ignoring_case(last, "chunked")) {
        return {501, "a transfer coding other than chunked"};
    }
    const bool odd = sparse && members == 1 && chunked == 1;
    return {400, "Transfer-Encoding is not exactly chunked", odd ? Fault::Kind::odd : Fault::Kind::malformed};
}

// How many empty lines stand before the first line, of those that are skipped.
std::size_t count_empty_lines(std::string_view bytes) noexcept {
    std::size_t count = 0;
    while (count < empty_lines_max && bytes.substr(2 * count).starts_with("\r\n")) {
        ++count;
    }
    return count;
}

}  // namespace

bool only_empty_lines(std::string_view bytes) noexcept {
    constexpr std::string_view most = "\r\n\r\n";
    static_assert(most.size() == 2 * empty_lines_max);
    return most.starts_with(bytes);
}

Fault expect_line_end(Cursor& cursor, std::string_view reason) noexcept {
    if (cursor.empty()) {
        return Fault::needs_more();
    }
    if (*cursor.at != '\r') {
        return {400, reason, Fault::Kind::odd};
    }
    if (cursor.end - cursor.at < 2) {
        return Fault::needs_more();
    }
    if (cursor.at[1] != '\n') {
        return {400, reason, Fault::Kind::odd};
    }
    cursor.at += 2;
    return {};
}

Fault parse_fields(Cursor& cursor, const Limits& limits, Fields& fields, FramingFields& found) noexcept {
    const std::size_t fields_max = std::min(limits.fields, Fields::capacity);
    for (;;) {
        if (cursor.empty()) {
            return Fault::needs_more();
        }
        if (*cursor.at == '\r') {
            return expect_line_end(cursor, "a bare CR");
        }
        if (fields.size() == fields_max) {
            return {431, "too many fields", Fault::Kind::limit};
        }
        Field field;
        if (const Fault fault = parse_name(cursor, limits, field)) {
            return fault;
        }
        if (const Fault fault = parse_value(cursor, field)) {
            return fault;
        }
        fields.add(field);
        if (field.known != Known::other) {
            if (const Fault fault = note(*(fields.end() - 1), found)) {
                return blame(cursor, fields.end() - 1, fault);
            }
        }
    }
}

Fault parse_framing(Cursor& cursor, const FramingFields& found, std::uint8_t minor, Framing& framing) noexcept {
    if (found.transfer_encoding == nullptr) {
        if (found.content_length == nullptr) {
            return {};
        }
        framing.kind = Framing::Kind::length;
        return blame(cursor, found.content_length, parse_length(found.content_length->value, framing.length));
    }
    if (found.content_length != nullptr) {
        return blame(cursor, found.content_length, {400, "Content-Length beside Transfer-Encoding", Fault::Kind::odd});
    }
    if (minor == 0) {
        return blame(cursor, found.transfer_encoding, {400, "Transfer-Encoding in HTTP/1.0", Fault::Kind::odd});
    }
    if (!equals_ignoring_case(found.transfer_encoding->value, "chunked")) {
        return blame(cursor, found.transfer_encoding, refuse_coding(found.transfer_encoding->value));
    }
    framing.kind = Framing::Kind::chunked;
    return {};
}

std::string_view single_upgrade(const FramingFields& found, const ConnectionOptions& options) noexcept {
    if (!options.upgrade || found.upgrade == nullptr || found.upgrade_repeated) {
        return {};
    }
    const std::string_view value = found.upgrade->value;
    const std::size_t slash = std::min(value.find('/'), value.size());
    const std::string_view protocol = value.substr(0, slash);
    if (!valid_token(protocol) || (slash != value.size() && !valid_token(value.substr(slash + 1)))) {
        return {};
    }
    // Other forms of them too: h2c-14, HTTPS. Tunnelled HTTP would hide its requests from the proxy.
    constexpr std::array<std::string_view, 4> hiding{"h2", "h3", "HTTP", "TLS"};
    const bool speaks_http = std::any_of(hiding.begin(), hiding.end(), [protocol](std::string_view one) {
        return equals_ignoring_case(protocol.substr(0, one.size()), one);
    });
    return speaks_http ? std::string_view{} : value;
}

Fault parse_version(Cursor& cursor, std::uint8_t& minor) noexcept {
    if (std::memcmp(cursor.at, "HTTP/", 5) != 0 || (class_of(cursor.at[5]) & is_digit) == 0 || cursor.at[6] != '.' ||
        (class_of(cursor.at[7]) & is_digit) == 0) {
        return {400, "no HTTP version"};
    }
    if (cursor.at[5] != '1') {
        return {505, "a version other than HTTP/1.0 and HTTP/1.1"};
    }
    minor = cursor.at[7] == '0' ? 0 : 1;
    cursor.at += 8;
    return {};
}

Fault judge_unfinished(std::string_view bytes, const Limits& limits, int line_status) noexcept {
    // Empty lines may stand before the first; they count for neither.
    const std::size_t begin = 2 * count_empty_lines(bytes);
    const auto first_end = bytes.substr(0, std::min(bytes.size(), limits.request_line + begin + 2)).find('\n', begin);
    const bool first_line_open = first_end == std::string_view::npos;
    // With its CR, the line may be one byte longer than the limit.
    if (first_line_open && bytes.size() - std::min(begin, bytes.size()) > limits.request_line + 1) {
        return {line_status, "the first line is too long", Fault::Kind::limit};
    }
    if (bytes.size() >= limits.head) {
        return {first_line_open ? line_status : 431, "the head is too large", Fault::Kind::limit};
    }
    return Fault::needs_more();
}

ParseResult refuse(const Fault& fault, int status, const Cursor& cursor, std::string_view bytes) noexcept {
    return {.verdict = ParseResult::Verdict::bad,
            .limit = fault.kind == Fault::Kind::limit,
            .status = status,
            .offset = static_cast<std::size_t>(cursor.at - bytes.data()),
            .reason = fault.reason,
            .field = cursor.field};
}

bool nothing_new(std::string_view bytes, std::size_t seen) noexcept {
    return seen > 0 && seen <= bytes.size() && std::memchr(bytes.data() + seen, '\n', bytes.size() - seen) == nullptr;
}

}  // namespace core::http
