// parse_request: the request line, then the fields, then what follows from them.
#include <algorithm>
#include <memory>
#include <string>

#include "core/http/characters.hpp"
#include "core/http/head_lines.hpp"
#include "core/http/parser.hpp"
#include "core/http/target.hpp"

namespace core::http {
namespace {

Fault parse_method(Cursor& cursor, const Limits& limits, RequestHead& out) noexcept {
    const char* const begin = cursor.at;
    const char* const end = skip_class(begin, cursor.end, is_token);
    const auto length = static_cast<std::size_t>(end - begin);
    if (length > limits.method) {
        return {501, "the method is too long", Fault::Kind::limit};
    }
    if (end == cursor.end) {
        return Fault::needs_more();
    }
    if (*end != ' ' || length == 0) {
        cursor.at = end;
        return {400, "the method is no token followed by a space"};
    }
    out.method = {begin, length};
    cursor.at = end + 1;
    return {};
}

// Bytes above 0x7f in a path or query have one reading (RFC 3987 3.1): percent-encoded they mean the same, and no
// server reads them otherwise. In an authority they have none.
Fault encode_target(Cursor& cursor, const Limits& limits, std::size_t line, RequestHead& out) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    const std::string_view raw = out.target;
    const auto first = static_cast<std::size_t>(std::ranges::find_if(raw, is_high) - raw.begin());
    const std::size_t scheme = raw.front() == '/' ? 0 : raw.find("://");
    const std::size_t path = scheme == 0 ? 0 : raw.find_first_of("/?", std::min(scheme, raw.size() - 3) + 3);
    if (first < path) {
        cursor.at = raw.data() + first;
        return {400, "a byte above 0x7f in the target's authority"};
    }
    auto encoded = std::make_unique<std::string>();
    for (const char c : raw) {
        const auto byte = static_cast<unsigned char>(c);
        if (is_high(c)) {
            *encoded += {'%', digits[byte >> 4], digits[byte & 15]};
        } else {
            *encoded += c;
        }
    }
    if (line + encoded->size() - raw.size() > limits.request_line) {
        cursor.at = raw.data() + first;
        return {414, "the request line is too long with its bytes above 0x7f percent-encoded", Fault::Kind::limit};
    }
    out.rewritten = std::move(encoded);
    out.target = *out.rewritten;
    return {};
}

Fault parse_request_line(Cursor& cursor, const Limits& limits, RequestHead& out) noexcept {
    const char* const line = cursor.at;
    if (const Fault fault = parse_method(cursor, limits, out)) {
        return fault;
    }
    const char* const begin = cursor.at;
    const char* end = skip_class(begin, cursor.end, is_target);
    bool high = false;
    while (end != cursor.end && is_high(*end)) {
        high = true;
        end = skip_class(end + 1, cursor.end, is_target);
    }
    const auto taken = static_cast<std::size_t>(end - line);
    if (taken > limits.request_line) {
        return {414, "the request line is too long", Fault::Kind::limit};
    }
    if (end == cursor.end) {
        return Fault::needs_more();
    }
    if (*end != ' ' || end == begin) {
        cursor.at = end;
        return {400, "the target is empty or holds a byte that no target may hold, or no version follows"};
    }
    out.target = {begin, static_cast<std::size_t>(end - begin)};
    cursor.at = end + 1;
    // "HTTP/1.1" and the CR: fewer bytes are incomplete, whatever they are.
    if (cursor.end - cursor.at < 9) {
        const bool ended = std::find(cursor.at, cursor.end, '\n') != cursor.end;
        return ended ? Fault{400, "no HTTP version"} : Fault::needs_more();
    }
    if (const Fault fault = parse_version(cursor, out.minor)) {
        return fault;
    }
    const auto length = static_cast<std::size_t>(cursor.at - line);
    if (length > limits.request_line) {
        return {414, "the request line is too long", Fault::Kind::limit};
    }
    const Fault fault = expect_line_end(cursor, "bytes after the version, or a bare LF");
    return fault || !high ? fault : encode_target(cursor, limits, length, out);
}

// RFC 9110 10.1.1: only 100-continue is known. In HTTP/1.0, and without a body, it means nothing.
Fault apply_expect(const Field* expect, RequestHead& out) noexcept {
    if (expect == nullptr) {
        return {};
    }
    if (!equals_ignoring_case(expect->value, "100-continue")) {
        return {417, "an expectation other than 100-continue"};
    }
    out.expect_continue = out.minor == 1 && !out.framing.empty();
    return {};
}

Fault derive(Cursor& cursor, const FramingFields& found, const Limits& limits, RequestHead& out) noexcept {
    if (const Fault fault = parse_target(cursor, out, found.host)) {
        return fault;
    }
    if (out.https && !limits.https) {
        return {400, "an https target, and nobody trusted sent it"};
    }
    if (const Fault fault = parse_framing(cursor, found, out.minor, out.framing)) {
        return fault;
    }
    if (const Fault fault = apply_expect(found.expect, out)) {
        return blame(cursor, found.expect, fault);
    }
    // RFC 9110 9.3.8: the answer to TRACE contains the request. So it would show a page's scripts the fields that we
    // add, and cookies that they may not see. 501 and not 405: a 405 must list in Allow what the target allows
    // (15.5.6), and only the server knows that. We implement TRACE for no target (15.6.2).
    if (out.method == "TRACE") {
        return {501, "TRACE is not passed on"};
    }
    ConnectionOptions options;
    if (found.has_connection && !apply_connection(out.fields, options)) {
        return {400, "Connection is malformed or names too many fields"};
    }
    out.keep_alive = !options.close && (out.minor == 1 || options.keep_alive);
    // A request with a body that asks for an upgrade is served without the upgrade (RFC 9110 7.8 allows that).
    // Otherwise its body could be taken for the tunnel's first bytes.
    if (out.minor == 1 && out.framing.empty()) {
        out.upgrade = single_upgrade(found, options);
    }
    return {};
}

Fault parse(Cursor& cursor, const Limits& limits, RequestHead& out) noexcept {
    for (std::size_t lines = 0; lines < empty_lines_max && !cursor.empty() && *cursor.at == '\r'; ++lines) {
        if (const Fault fault = expect_line_end(cursor, "a bare CR")) {
            return fault;
        }
    }
    if (const Fault fault = parse_request_line(cursor, limits, out)) {
        return fault;
    }
    FramingFields found;
    if (const Fault fault = parse_fields(cursor, limits, out.fields, found)) {
        return fault;
    }
    return derive(cursor, found, limits, out);
}

}  // namespace

ParseResult parse_request(std::string_view bytes, const Limits& limits, RequestHead& out, std::size_t seen) noexcept {
    const std::string_view within = bytes.substr(0, limits.head);
    Cursor cursor{within.data(), within.data() + within.size()};
    Fault fault = Fault::needs_more();
    if (!nothing_new(within, seen)) {
        out.clear();
        fault = parse(cursor, limits, out);
    }
    if (fault.incomplete()) {
        fault = judge_unfinished(within, limits, 414);
        if (fault.incomplete()) {
            return {};
        }
    }
    return conclude(fault, fault.status, cursor, within);
}

}  // namespace core::http
