// The conformance corpus (tests/conformance) and its runner: a reader of the case files, and a Stream. It handles one
// connection's bytes as the exchange does, without a socket. Format: tests/conformance/README.md.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/http/chunked.hpp"
#include "core/http/parser.hpp"
#include "core/http/writer.hpp"

namespace core::http::conformance {

enum class Kind { request, response };

struct Case {
    std::string place;  // file:line
    std::string name;
    Kind kind = Kind::request;
    std::string method = "GET";  // of the request that a response answers
    std::uint8_t client_minor = 1;
    std::string input;
    std::string output;
    std::string verdict;  // "keep", "close", "waiting" or "refuse 400"
};

inline unsigned hex(char c) {
    return static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

// The position of the brace that closes the one at begin.
inline std::size_t closing_brace(std::string_view text, std::size_t begin) {
    std::size_t depth = 0;
    for (std::size_t i = begin; i < text.size(); ++i) {
        depth += text[i] == '{' ? 1U : 0U;
        depth -= text[i] == '}' ? 1U : 0U;
        if (depth == 0) {
            return i;
        }
    }
    throw std::runtime_error("an open brace in " + std::string(text));
}

// Replaces the README's escapes in one line.
inline std::string unescape(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\') {
            out += text[i];
            continue;
        }
        const char kind = text.at(++i);
        if (kind == 'x') {
            out += static_cast<char>(hex(text.at(i + 1)) << 4 | hex(text.at(i + 2)));
            i += 2;
        } else if (kind == '{') {
            const std::size_t close = closing_brace(text, i);
            const std::size_t comma = text.find(',', i);
            const auto count = std::stoul(std::string(text.substr(i + 1, comma - i - 1)));
            for (std::size_t n = 0; n < count; ++n) {
                out += unescape(text.substr(comma + 1, close - comma - 1));
            }
            i = close;
        } else if (kind == 'F') {
            out += "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: http\r\n";
        } else {
            constexpr std::string_view from = "rnt\\0";
            constexpr std::string_view to{"\r\n\t\\\0", 5};
            out += to.at(from.find(kind));
        }
    }
    return out;
}

inline void read_line(std::string_view line, const std::string& place, Kind kind, std::vector<Case>& cases) {
    const std::string_view word = line.substr(0, line.find(' '));
    const std::string_view rest = line.substr(std::min(line.size(), word.size() + 1));
    if (word == "case") {
        cases.emplace_back();
        cases.back().place = place;
        cases.back().name = rest;
        cases.back().kind = kind;
    } else if (cases.empty()) {
        throw std::runtime_error(place + ": no case yet");
    } else if (word == ">") {
        cases.back().input += unescape(rest);
    } else if (word == "<") {
        cases.back().output += unescape(rest);
    } else if (word == "method") {
        cases.back().method = rest;
    } else if (word == "client") {
        cases.back().client_minor = rest == "1.0" ? 0 : 1;
    } else if (word == "keep" || word == "close" || word == "waiting" || word == "refuse") {
        cases.back().verdict = line;
    } else if (word != "why") {
        throw std::runtime_error(place + ": unknown word " + std::string(word));
    }
}

// Every case in tests/conformance. Throws where a file is malformed.
inline std::vector<Case> read_all() {
    std::vector<Case> cases;
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(SOURCE_DIR "/tests/conformance")) {
        if (entry.path().extension() == ".http") {
            paths.push_back(entry.path());
        }
    }
    std::ranges::sort(paths);
    for (const auto& path : paths) {
        const Kind kind = path.filename().string().starts_with("response") ? Kind::response : Kind::request;
        std::ifstream file(path);
        std::size_t number = 0;
        for (std::string line; std::getline(file, line);) {
            ++number;
            if (!line.empty() && line.front() != '#') {
                read_line(line, path.filename().string() + ":" + std::to_string(number), kind, cases);
            }
        }
    }
    return cases;
}

// One direction of one connection: takes bytes in pieces, and keeps what would be sent to the other side.
class Stream {
public:
    Stream(Kind kind, std::string method, std::uint8_t client_minor)
        : kind_(kind), method_(std::move(method)), client_minor_(client_minor) {}
    explicit Stream(const Case& one) : Stream(one.kind, one.method, one.client_minor) {}

    void feed(std::string_view bytes) {
        buffer_ += bytes;
        while (step()) {
        }
    }
    // The other side has closed.
    void finish() {
        if (state_ == State::body && framing_.kind == Framing::Kind::until_close) {
            end_body();
        }
    }
    [[nodiscard]] const std::string& output() const { return output_; }
    [[nodiscard]] std::string verdict() const {
        if (status_ != 0) {
            return "refuse " + std::to_string(status_);
        }
        const bool between = state_ == State::head && buffer_.empty() && any_;
        return state_ == State::closed ? "close" : between ? "keep" : "waiting";
    }
    [[nodiscard]] bool refused() const { return status_ != 0; }

private:
    enum class State { head, body, closed };

    // False: nothing more can be done with the bytes so far.
    bool step() {
        switch (state_) {
            case State::head:
                return kind_ == Kind::request ? take_request() : take_response();
            case State::body:
                return take_body();
            default:
                return false;
        }
    }
    void refuse(int status) {
        status_ = status;
        state_ = State::closed;
    }
    bool take_request() {
        RequestHead head;
        const ParseResult result = parse_request(buffer_, {}, head, seen_);
        if (!result.complete()) {
            return stop(result);
        }
        RequestOptions options;
        options.origin.client = "192.0.2.1";
        options.host_fallback = "backend";
        options.expect = RequestOptions::Expect::forward;
        std::vector<char> out(written_max(head, result.consumed));
        const std::size_t size = write_request(head, options, out);
        output_.append(out.data(), size);
        start_body(head.framing, head.framing, head.keep_alive, result.consumed);
        return true;
    }
    bool take_response() {
        ResponseHead head;
        const ParseResult result = parse_response(buffer_, {}, method_, head, seen_);
        if (!result.complete()) {
            return stop(result);
        }
        ResponseOptions options;
        options.framing = framing_towards(client_minor_, head);
        options.persistence =
            options.framing.kind == Framing::Kind::until_close ? Persistence::close : Persistence::implied;
        std::vector<char> out(written_max(head, result.consumed));
        const std::size_t size = write_response(head, options, out);
        output_.append(out.data(), size);
        kept_ = kept_ && head.keep_alive;
        start_body(head.framing, options.framing, kept_ || head.is_interim(), result.consumed);
        return true;
    }
    bool stop(const ParseResult& result) {
        seen_ = buffer_.size();
        if (result.bad()) {
            refuse(result.status);
        }
        return false;
    }
    void start_body(const Framing& framing, const Framing& outward, bool keep_alive, std::size_t consumed) {
        buffer_.erase(0, consumed);
        framing_ = framing;
        outward_ = outward;
        keep_alive_ = keep_alive;
        chunks_ = {};
        body_.clear();
        seen_ = 0;
        state_ = State::body;
        if (framing.empty()) {
            end_body();
        }
    }
    bool take_body() {
        if (framing_.kind == Framing::Kind::chunked) {
            return take_chunks();
        }
        const std::size_t there = buffer_.size();
        const std::size_t count = framing_.kind == Framing::Kind::until_close
                                      ? there
                                      : static_cast<std::size_t>(std::min<std::uint64_t>(framing_.length, there));
        body_.append(buffer_, 0, count);
        buffer_.erase(0, count);
        if (framing_.kind == Framing::Kind::length && (framing_.length -= count) == 0) {
            end_body();
            return true;
        }
        return false;
    }
    bool take_chunks() {
        std::string_view input = buffer_;
        const ChunkParser::Step step = chunks_.next(input, kind_ == Kind::response ? answer_chunks : ChunkLimits{});
        body_ += step.data;
        buffer_.erase(0, buffer_.size() - input.size());
        if (step.kind == ChunkParser::Step::Kind::bad) {
            refuse(kind_ == Kind::request ? 400 : 502);
        } else if (step.kind == ChunkParser::Step::Kind::end) {
            end_body();
        }
        return step.kind == ChunkParser::Step::Kind::data || step.kind == ChunkParser::Step::Kind::end;
    }
    // Bodies come out as one chunk, so that the output does not depend on the pieces of the input.
    void end_body() {
        const bool chunked = outward_.kind == Framing::Kind::chunked;
        if (chunked && !body_.empty()) {
            std::array<char, chunk_line_max> line{};
            output_.append(line.data(), write_chunk_line(body_.size(), line));
        }
        output_ += body_;
        if (chunked) {
            output_ += body_.empty() ? "" : chunk_end;
            output_ += last_chunk;
        }
        any_ = true;
        state_ = keep_alive_ ? State::head : State::closed;
    }

    Kind kind_;
    std::string method_;
    std::uint8_t client_minor_;
    State state_ = State::head;
    std::string buffer_;
    std::size_t seen_ = 0;
    std::string body_;
    std::string output_;
    Framing framing_;
    Framing outward_;
    ChunkParser chunks_;
    bool keep_alive_ = false;
    bool kept_ = true;  // by all heads of a response, interim ones too
    bool any_ = false;
    int status_ = 0;
};

}  // namespace core::http::conformance
