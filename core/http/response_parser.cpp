// parse_response: as strict as for requests, because a backend's bytes may be an attacker's too. Every refusal is 502.
#include "core/http/characters.hpp"
#include "core/http/head_lines.hpp"
#include "core/http/parser.hpp"

namespace core::http {
namespace {

Fault parse_status(Cursor& cursor, ResponseHead& out) noexcept {
    const char* const at = cursor.at;
    if (at[0] != ' ' || !all_of_class({at + 1, 3}, is_digit) || at[1] == '0') {
        return {502, "no three-digit status"};
    }
    out.status = static_cast<std::uint16_t>((at[1] - '0') * 100 + (at[2] - '0') * 10 + (at[3] - '0'));
    cursor.at += 4;
    return {};
}

Fault parse_status_line(Cursor& cursor, const Limits& limits, ResponseHead& out) noexcept {
    const char* const line = cursor.at;
    // "HTTP/1.1 200" and the CR. What is shorter is incomplete, unless its first bytes are no HTTP at all.
    const auto there = static_cast<std::size_t>(cursor.end - cursor.at);
    constexpr std::string_view start = "HTTP/";
    if (std::string_view(line, there).substr(0, start.size()) != start.substr(0, there)) {
        return {502, "no HTTP status line"};
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
    // The space before an empty reason is often missing; it frames nothing, so that is let pass.
    if (*cursor.at == ' ') {
        const char* const begin = ++cursor.at;
        cursor.at = skip_value(begin, cursor.end);
        out.reason = trim({begin, static_cast<std::size_t>(cursor.at - begin)});
    }
    if (static_cast<std::size_t>(cursor.at - line) > limits.request_line) {
        return {502, "the status line is too long"};
    }
    return expect_line_end(cursor, "a control byte or a bare CR or LF in the status line");
}

// RFC 9112 6.3: which responses have a body at all, before any field is asked.
bool never_has_body(const ResponseHead& out, std::string_view request_method) noexcept {
    return out.status < 200 || out.status == 204 || out.status == 304 || request_method == "HEAD";
}

Fault derive(const FramingFields& found, std::string_view request_method, ResponseHead& out) noexcept {
    if (const Fault fault = parse_framing(found, out.minor, out.framing)) {
        return fault;
    }
    ConnectionOptions options;
    if (found.has_connection && !apply_connection(out.fields, options)) {
        return {502, "Connection is malformed or names too many fields"};
    }
    out.keep_alive = !options.close && (out.minor == 1 || options.keep_alive);
    if (never_has_body(out, request_method)) {
        // RFC 9110 8.6, RFC 9112 6.1: neither field belongs into 1xx and 204. A backend that announces a body there may
        // well send it, so what follows on that connection is not to be trusted.
        const bool announced = out.status < 200 || out.status == 204 ? !out.framing.empty() : false;
        if (announced && out.status < 200) {
            return {502, "an interim response that announces a body"};
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
    FramingFields found;
    if (const Fault fault = parse_fields(cursor, limits, out.fields, found)) {
        return fault;
    }
    return derive(found, request_method, out);
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
    if (fault.incomplete()) {
        fault = judge_unfinished(within, limits, 502);
        if (fault.incomplete()) {
            return {};
        }
    }
    if (fault) {
        return {ParseResult::Verdict::bad, 502, 0, fault.reason};
    }
    return {ParseResult::Verdict::complete, 0, static_cast<std::size_t>(cursor.at - within.data()), {}};
}

}  // namespace core::http
