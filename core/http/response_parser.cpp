// parse_response: at first as strict as for requests, because a backend's bytes may be an attacker's too. A malformed
// head that has one reading is straightened and parsed again. Every refusal is 502.
#include <algorithm>
#include <string>

#include "core/http/characters.hpp"
#include "core/http/head_lines.hpp"
#include "core/http/parser.hpp"
#include "core/http/straight.hpp"

namespace core::http {
namespace {

Fault parse_status(Cursor& cursor, ResponseHead& out) noexcept {
    const char* const at = cursor.at;
    if (at[0] != ' ' || !all_of_class({at + 1, 3}, is_digit) || at[1] == '0') {
        const bool loose = ends_value(at[0]) || is_blank(at[0]);
        return {502, "no three-digit status", loose ? Fault::Kind::odd : Fault::Kind::malformed};
    }
    out.status = static_cast<std::uint16_t>((at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0'));
    cursor.at += 4;
    return {};
}

Fault parse_status_line(Cursor& cursor, const Limits& limits, ResponseHead& out) noexcept {
    const char* const line = cursor.at;
    // "HTTP/1.1 200" and the CR. Fewer bytes are incomplete, unless the first ones are no HTTP.
    const auto there = static_cast<std::size_t>(cursor.end - cursor.at);
    constexpr std::string_view start = "HTTP/";
    if (std::string_view(line, there).substr(0, start.size()) != start.substr(0, there)) {
        const bool empty_line = *line == '\r' || *line == '\n';
        return {502, "no HTTP status line", empty_line ? Fault::Kind::odd : Fault::Kind::malformed};
    }
    if (there < 13) {
        return std::string_view(line, there).find('\n') != std::string_view::npos ? Fault{502, "a short status line"}
                                                                                  : Fault::needs_more();
    }
    if (const Fault fault = parse_version(cursor, out.minor)) {
        return fault;
    }
    if (const Fault fault = parse_status(cursor, out)) {
        return fault;
    }
    // The space before an empty reason is often missing. It frames nothing, so its lack is accepted.
    if (*cursor.at == ' ') {
        const char* const begin = ++cursor.at;
        cursor.at = skip_value(begin, cursor.end);
        out.reason = trim({begin, static_cast<std::size_t>(cursor.at - begin)});
    }
    if (static_cast<std::size_t>(cursor.at - line) > limits.request_line) {
        return {502, "the status line is too long", Fault::Kind::limit};
    }
    return expect_line_end(cursor, "a control byte or a bare CR or LF in the status line");
}

// RFC 9112 6.3: which responses have no body, whatever their fields say.
bool never_has_body(const ResponseHead& out, std::string_view request_method) noexcept {
    return out.status < 200 || out.status == 204 || out.status == 304 || request_method == "HEAD";
}

Fault derive(Cursor& cursor, const FramingFields& found, std::string_view request_method, ResponseHead& out) noexcept {
    if (const Fault fault = parse_framing(cursor, found, out.minor, out.framing)) {
        return fault;
    }
    ConnectionOptions options;
    if (found.has_connection && !apply_connection(out.fields, options)) {
        out.oddities.add(Oddity::malformed_connection);
        options.close = true;
    }
    out.keep_alive = !options.close && (out.minor == 1 || options.keep_alive);
    if (never_has_body(out, request_method)) {
        // RFC 9110 8.6, RFC 9112 6.1: neither field belongs into 1xx and 204. A backend that announces a body there may
        // send it, so the rest of that connection is not trusted.
        const bool announced = out.status < 200 || out.status == 204 ? !out.framing.empty() : false;
        if (announced && out.status < 200) {
            out.oddities.add(Oddity::interim_with_body);
        }
        out.keep_alive = out.keep_alive && !announced;
        out.length_describes = out.status >= 200 && out.status != 204;
        out.framing = {};
    } else if (out.framing.kind == Framing::Kind::none) {
        out.framing.kind = Framing::Kind::until_close;
        out.keep_alive = false;
    }
    if (out.status == 101 || out.status == 426) {
        out.upgrade = single_upgrade(found, options);
    }
    out.keep_alive = out.keep_alive && out.status != 101;
    return {};
}

Fault parse(Cursor& cursor, const Limits& limits, std::string_view request_method, ResponseHead& out) noexcept {
    if (const Fault fault = parse_status_line(cursor, limits, out)) {
        return fault;
    }
    FramingFields found{.of_response = true};
    if (const Fault fault = parse_fields(cursor, limits, out.fields, found)) {
        return fault;
    }
    return derive(cursor, found, request_method, out);
}

// The second parse, of a whole malformed head. offset: of the first fault; kept unless the second fault names a field.
ParseResult parse_straightened(std::string_view head, const Limits& limits, std::string_view request_method,
                               ResponseHead& out, std::size_t offset) {
    Straightened straightened = straighten(head);
    out.clear();
    out.rewritten = std::make_unique<std::string>(std::move(straightened.text));
    Cursor cursor{out.rewritten->data(), out.rewritten->data() + out.rewritten->size()};
    ParseResult result = conclude(parse(cursor, limits, request_method, out), 502, cursor, *out.rewritten);
    result.consumed = head.size();
    result.offset = offset;
    if (result.bad() && !result.field.empty()) {
        result.offset = std::min(head.find(result.field), head.size());
        result.field = head.substr(result.offset, result.field.size());
    }
    out.oddities.add(straightened.oddities);
    out.keep_alive = out.keep_alive && !straightened.last;
    return result;
}

}  // namespace

ParseResult parse_response(std::string_view bytes, const Limits& limits, std::string_view request_method,
                           ResponseHead& out, std::size_t seen) noexcept {
    const std::string_view within = bytes.substr(0, limits.head);
    Cursor cursor{within.data(), within.data() + within.size()};
    Fault fault = Fault::needs_more();
    if (!nothing_new(within, seen)) {
        out.clear();
        fault = parse(cursor, limits, request_method, out);
    }
    if (fault.kind == Fault::Kind::odd) {
        const std::size_t end = find_head_end(within);
        if (end != 0) {
            const auto offset = static_cast<std::size_t>(cursor.at - within.data());
            return parse_straightened(within.substr(0, end), limits, request_method, out, offset);
        }
        fault = Fault::needs_more();
    }
    if (fault.incomplete()) {
        fault = judge_unfinished(within, limits, 502);
        if (fault.incomplete()) {
            return {};
        }
    }
    return conclude(fault, 502, cursor, within);
}

}  // namespace core::http
