// The properties of the HTTP layer, for the fuzz targets and tests/core/http/round_trip_test.cpp. What was parsed and
// written parses to the same message again, and the pieces of the input change nothing.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/http/chunked.hpp"
#include "core/http/parser.hpp"
#include "core/http/writer.hpp"

namespace core::http::fuzz {

// Each check returns the property that does not hold, or an empty text. Heads near the field limit skip the second
// parse: Gatehouse adds fields of its own, and its limit is for received ones.
inline constexpr std::size_t fields_added_max = 4;

// For heads that Gatehouse wrote: the received limits plus the allowed growth.
inline Limits written_limits() {
    Limits limits;
    limits.head += limits.request_line + growth_max;
    return limits;
}

inline std::string write(const RequestHead& head) {
    RequestOptions options;
    options.origin.client = "192.0.2.1";
    options.host_fallback = "backend";
    options.expect = RequestOptions::Expect::forward;
    std::string out(2 * Limits{}.head + 2 * growth_max, '\0');
    out.resize(write_request(head, options, out));
    return out;
}

inline std::string write(const ResponseHead& head) {
    ResponseOptions options;
    options.framing = framing_towards(1, head);
    std::string out(2 * Limits{}.head + 2 * growth_max, '\0');
    out.resize(write_response(head, options, out));
    return out;
}

inline std::string_view check_request(std::string_view bytes) {
    RequestHead first;
    const ParseResult result = parse_request(bytes, {}, first);
    const std::size_t cut = bytes.size() / 2;
    RequestHead again;
    const ParseResult early = parse_request(bytes.substr(0, cut), {}, again);
    if (early.verdict == ParseResult::Verdict::incomplete) {
        if (parse_request(bytes, {}, again, cut).verdict != result.verdict && result.complete()) {
            return "a head that came in two pieces is judged otherwise";
        }
    } else if (early.verdict != result.verdict) {
        return "a judgement was taken back";
    }
    if (!result.complete()) {
        return {};
    }
    const std::string written = write(first);
    if (written.empty() || written.size() > written_max(first, result.consumed)) {
        return "a head grew beyond written_max";
    }
    if (first.fields.size() + fields_added_max > Limits{}.fields) {
        return {};
    }
    RequestHead second;
    const ParseResult reparsed = parse_request(written, written_limits(), second);
    if (!reparsed.complete() || reparsed.consumed != written.size()) {
        return "a written head does not parse to its end";
    }
    if (second.method != first.method || second.path != first.path || second.query != first.query ||
        second.framing != first.framing || second.upgrade != first.upgrade ||
        second.expect_continue != first.expect_continue) {
        return "a written head says something else";
    }
    if (!first.authority.empty() && (second.host != first.host || second.port != first.port)) {
        return "a written head names another host";
    }
    return write(second) == written ? std::string_view{} : "writing twice differs";
}

inline std::string_view check_response(std::string_view bytes, std::string_view method) {
    ResponseHead first;
    const ParseResult result = parse_response(bytes, {}, method, first);
    ResponseHead half;
    const ParseResult early = parse_response(bytes.substr(0, bytes.size() / 2), {}, method, half);
    if (early.verdict != ParseResult::Verdict::incomplete && early.verdict != result.verdict) {
        return "a judgement was taken back";
    }
    if (!result.complete()) {
        return {};
    }
    const std::string written = write(first);
    if (written.empty() || written.size() > written_max(first, result.consumed)) {
        return "a head grew beyond written_max";
    }
    if (first.fields.size() + fields_added_max > Limits{}.fields) {
        return {};
    }
    ResponseHead second;
    const ParseResult reparsed = parse_response(written, written_limits(), method, second);
    if (!reparsed.complete() || reparsed.consumed != written.size()) {
        return "a written head does not parse to its end";
    }
    if (second.oddities.any()) {
        return "a written head is odd";
    }
    if (second.status != first.status || second.reason != first.reason || second.upgrade != first.upgrade ||
        second.framing != framing_towards(1, first)) {
        return "a written head says something else";
    }
    return write(second) == written ? std::string_view{} : "writing twice differs";
}

struct Unchunked {
    std::string body;
    ChunkParser::Step::Kind end = ChunkParser::Step::Kind::more;
    std::size_t rest = 0;  // bytes after the body

    friend bool operator==(const Unchunked&, const Unchunked&) = default;
};

// Feeds bytes in two pieces.
inline Unchunked unchunk(std::string_view bytes, std::size_t cut, const ChunkLimits& limits = {}) {
    Unchunked out;
    ChunkParser parser;
    const std::array<std::string_view, 2> pieces{bytes.substr(0, cut), bytes.substr(cut)};
    for (std::string_view piece : pieces) {
        ChunkParser::Step step;
        do {
            step = parser.next(piece, limits);
            out.body += step.data;
        } while (step.kind == ChunkParser::Step::Kind::data);
        out.end = step.kind;
        out.rest += step.kind == ChunkParser::Step::Kind::end ? piece.size() : 0;
        if (step.kind == ChunkParser::Step::Kind::bad) {
            out.rest = 0;
            break;
        }
    }
    return out;
}

inline std::string_view check_chunks(std::string_view bytes, const ChunkLimits& limits) {
    const Unchunked whole = unchunk(bytes, 0, limits);
    if (!(unchunk(bytes, bytes.size() / 2, limits) == whole) || !(unchunk(bytes, bytes.size() / 3, limits) == whole)) {
        return "a chunked body depends on how it was cut";
    }
    // A request's body is read strictly. Where that succeeds, reading it as a server's gives the same body.
    if (limits.lenient && unchunk(bytes, 0).end == ChunkParser::Step::Kind::end && !(unchunk(bytes, 0) == whole)) {
        return "a strict body is another one where it is read leniently";
    }
    if (whole.body.empty() || whole.end != ChunkParser::Step::Kind::end) {
        return {};
    }
    std::array<char, chunk_line_max> line{};
    const std::size_t line_size = write_chunk_line(whole.body.size(), line);
    std::string written(line.data(), line_size);
    written += whole.body;
    written += chunk_end;
    written += last_chunk;
    const Unchunked again = unchunk(written, written.size());
    const bool same = again.body == whole.body && again.end == whole.end && again.rest == 0;
    return same ? std::string_view{} : "a body framed anew is another body";
}

inline std::string_view check_chunks(std::string_view bytes) {
    const std::string_view strict = check_chunks(bytes, ChunkLimits{});
    return strict.empty() ? check_chunks(bytes, answer_chunks) : strict;
}

}  // namespace core::http::fuzz
