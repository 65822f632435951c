#include "appliance/api/request_reader.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "appliance/api/server.hpp"
#include "appliance/base/utf8.hpp"
#include "core/http/chunked.hpp"

namespace appliance::api {
namespace {

BadRequest too_long() {
    return {413, "the request is too long", "its body holds more than 1024 KiB", ""};
}

BadRequest no_http(int status, std::string_view reason) {
    return {status, "the request is not HTTP as gatehouse reads it", std::string(reason), ""};
}

std::string decode(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        unsigned char byte = 0;
        const char* digits = text.data() + at + 1;
        if (text[at] == '%' && at + 2 < text.size() &&
            std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
            plain += static_cast<char>(byte);
            at += 2;
        } else {
            plain += text[at] == '+' ? ' ' : text[at];
        }
    }
    return plain;
}

}  // namespace

RequestReader::RequestReader(Wire& wire) : wire_(wire), head_(std::make_unique<core::http::RequestHead>()) {}

BadRequest RequestReader::cut_off(bool begun) const {
    return wire_.late() && begun ? BadRequest{408, "the request did not come in time", "", ""} : BadRequest{};
}

tl::expected<void, BadRequest> RequestReader::read_head() {
    for (std::size_t seen = 0;;) {
        const auto parsed = core::http::parse_request({bytes_.data(), size_}, {}, *head_, seen);
        if (parsed.complete()) {
            body_begins_ = parsed.consumed;
            return {};
        }
        if (parsed.bad()) {
            return tl::unexpected(no_http(parsed.status, parsed.reason));
        }
        seen = size_;
        const ssize_t got = wire_.read(bytes_.data() + size_, bytes_.size() - size_);
        if (got <= 0) {
            return tl::unexpected(cut_off(size_ > 0));
        }
        size_ += static_cast<std::size_t>(got);
    }
}

std::string RequestReader::field(std::string_view name) const {
    const core::http::Field* found = head_->fields.find(name);
    return found == nullptr ? std::string() : std::string(found->value);
}

tl::expected<std::string, BadRequest> RequestReader::read_body() {
    using Kind = core::http::Framing::Kind;
    for (const core::http::Field& field : head_->fields) {
        if (core::http::equals_ignoring_case(field.name, "Content-Encoding") &&
            !core::http::equals_ignoring_case(field.value, "identity")) {
            return tl::unexpected(BadRequest{415, "the request's body is compressed", std::string(field.value),
                                             "send it without Content-Encoding"});
        }
    }
    const core::http::Framing framing = head_->framing;
    if (framing.empty()) {
        return std::string();
    }
    if (framing.kind == Kind::length && framing.length > Server::body_max) {
        return tl::unexpected(too_long());
    }
    if (head_->expect_continue) {
        static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
        if (wire_.write(go_on.data(), go_on.size()) < 0) {
            return tl::unexpected(BadRequest{});
        }
    }
    return framing.kind == Kind::chunked ? read_chunks() : read_length(framing.length);
}

tl::expected<std::string, BadRequest> RequestReader::read_length(std::uint64_t length) {
    std::string body(bytes_.data() + body_begins_, std::min<std::size_t>(size_ - body_begins_, length));
    std::size_t done = body.size();
    body.resize(length);
    while (done < length) {
        const ssize_t got = wire_.read(body.data() + done, length - done);
        if (got <= 0) {
            return tl::unexpected(cut_off(true));
        }
        done += static_cast<std::size_t>(got);
    }
    return body;
}

tl::expected<std::string, BadRequest> RequestReader::read_chunks() {
    using Step = core::http::ChunkParser::Step;
    core::http::ChunkParser parser;
    std::string body;
    std::array<char, 4096> piece{};
    for (std::string_view input(bytes_.data() + body_begins_, size_ - body_begins_);;) {
        for (Step step = parser.next(input); step.kind != Step::Kind::more; step = parser.next(input)) {
            if (step.kind == Step::Kind::end) {
                return body;
            }
            if (step.kind == Step::Kind::bad) {
                return tl::unexpected(no_http(400, step.reason));
            }
            if (body.size() + step.data.size() > Server::body_max) {
                return tl::unexpected(too_long());
            }
            body += step.data;
        }
        const ssize_t got = wire_.read(piece.data(), piece.size());
        if (got <= 0) {
            return tl::unexpected(cut_off(true));
        }
        input = {piece.data(), static_cast<std::size_t>(got)};
    }
}

tl::expected<std::map<std::string, std::string>, BadRequest> read_query(std::string_view query) {
    std::map<std::string, std::string> values;
    query.remove_prefix(query.starts_with('?') ? 1 : 0);
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(query.size(), pair.size() + 1));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        std::string name = decode(pair.substr(0, equals));
        std::string value = decode(pair.substr(std::min(equals + 1, pair.size())));
        if (!base::is_utf8(name) || !base::is_utf8(value)) {
            return tl::unexpected(BadRequest{400, "the query is no text", "it is not UTF-8", ""});
        }
        if (!name.empty()) {
            values.emplace(std::move(name), std::move(value));
        }
    }
    return values;
}

}  // namespace appliance::api
