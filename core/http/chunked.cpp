#include "core/http/chunked.hpp"

#include <algorithm>

#include "core/base/verify.hpp"
#include "core/http/characters.hpp"

namespace core::http {
namespace {

constexpr std::string_view no_size = "a chunk size that is not hexadecimal";
constexpr std::uint8_t digits_max = 16;

unsigned hex_value(char c) noexcept {
    return c <= '9' ? static_cast<unsigned>(c - '0') : static_cast<unsigned>((c | 0x20) - 'a') + 10;
}

}  // namespace

ChunkParser::Step ChunkParser::next(std::string_view& input, const ChunkLimits& limits) noexcept {
    if (state_ == State::failed) {
        return fail("the body was refused before");
    }
    while (state_ != State::ended) {
        if (input.empty()) {
            return {};
        }
        if (state_ == State::data) {
            return take_data(input);
        }
        const std::string_view refusal = take(input.front(), limits);
        if (!refusal.empty()) {
            return fail(refusal);
        }
        input.remove_prefix(1);
    }
    return {Step::Kind::end, {}, {}};
}

void ChunkParser::skip(std::uint64_t count) noexcept {
    VERIFY(count <= remaining());
    remaining_ -= count;
    if (state_ == State::data && remaining_ == 0) {
        state_ = State::data_cr;
    }
}

ChunkParser::Step ChunkParser::fail(std::string_view reason) noexcept {
    state_ = State::failed;
    return {Step::Kind::bad, {}, reason};
}

ChunkParser::Step ChunkParser::take_data(std::string_view& input) noexcept {
    const std::string_view data = input.substr(
        0, static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, static_cast<std::uint64_t>(input.size()))));
    input.remove_prefix(data.size());
    skip(data.size());
    return {Step::Kind::data, data, {}};
}

std::string_view ChunkParser::take(char byte, const ChunkLimits& limits) noexcept {
    switch (state_) {
        case State::size_begin:
        case State::size:
            return take_size(byte, limits);
        case State::blank:
        case State::extension:
            return take_extension(byte, limits);
        case State::size_lf:
            state_ = remaining_ == 0 ? State::trailer_begin : State::data;
            return byte == '\n' ? std::string_view{} : "a bare CR after a chunk size";
        case State::data_cr:
            state_ = State::data_lf;
            return byte == '\r' ? std::string_view{} : "chunk data that is longer than its size";
        case State::data_lf:
            state_ = State::size_begin;
            return byte == '\n' ? std::string_view{} : "a bare CR after chunk data";
        case State::trailer_begin:
        case State::trailer_name:
        case State::trailer_value:
        case State::trailer_lf:
        case State::trailer_odd:
        case State::last_lf:
            return take_trailer(byte, limits);
        case State::data:  // these take no byte of framing
        case State::ended:
        case State::failed:
            break;
    }
    VERIFY(!"a byte of framing where there is none");
    return {};
}

std::string_view ChunkParser::take_size(char byte, const ChunkLimits& limits) noexcept {
    if ((class_of(byte) & is_hex) == 0) {
        return state_ == State::size_begin ? no_size : after_size(byte, limits);
    }
    if (state_ == State::size_begin) {
        state_ = State::size;
        remaining_ = 0;
        digits_ = 0;
        extension_ = 0;
    }
    if (limits.lenient && remaining_ == 0) {
        if (byte == '0' && digits_ == digits_max) {
            oddities_.add(Oddity::padded_chunk);
            return count_extension(limits);
        }
        digits_ = byte == '0' ? digits_ : std::uint8_t{0};
    }
    // Sixteen digits fill 64 bits and cannot overflow them. More digits are too large a size, or padding.
    if (++digits_ > digits_max) {
        return "a chunk size with too many digits";
    }
    remaining_ = remaining_ << 4 | hex_value(byte);
    return remaining_ > limits.chunk ? "a chunk size that is too large" : std::string_view{};
}

// What may follow a size or the white space after it.
std::string_view ChunkParser::after_size(char byte, const ChunkLimits& limits) noexcept {
    if (byte == ';') {
        state_ = State::extension;
        return {};
    }
    if (is_blank(byte)) {
        state_ = State::blank;  // RFC 9112 7.1.1: bad white space, only before an extension
        return {};
    }
    if (byte == '\r' && state_ == State::blank && limits.lenient) {
        oddities_.add(Oddity::padded_chunk);
        state_ = State::size_lf;
        return {};
    }
    if (byte == '\r' && state_ == State::size) {
        state_ = State::size_lf;
        return {};
    }
    return state_ == State::blank ? "white space after a chunk size" : no_size;
}

std::string_view ChunkParser::count_extension(const ChunkLimits& limits) noexcept {
    ++extensions_;
    ++extension_;
    const bool long_ = extension_ > limits.extension || extensions_ > limits.extensions;
    return long_ ? "chunk extensions are too long" : std::string_view{};
}

std::string_view ChunkParser::take_extension(char byte, const ChunkLimits& limits) noexcept {
    if (const std::string_view refusal = count_extension(limits); !refusal.empty()) {
        return refusal;
    }
    if (state_ == State::blank) {
        return after_size(byte, limits);
    }
    if (byte == '\r') {
        state_ = State::size_lf;
        return {};
    }
    return ends_value(byte) ? "a control byte or a bare LF in a chunk extension" : std::string_view{};
}

std::string_view ChunkParser::take_trailer(char byte, const ChunkLimits& limits) noexcept {
    const bool last_line = state_ == State::last_lf || (state_ == State::trailer_begin && byte == '\r');
    if (!last_line && ++trailers_ > limits.trailers) {
        return "the trailers are too long";
    }
    const State before = state_;
    const std::string_view refusal = take_trailer_strictly(byte);
    // Trailers are dropped, so only the line end of a malformed one matters.
    if (refusal.empty() || !limits.lenient || before == State::last_lf) {
        return refusal;
    }
    oddities_.add(Oddity::odd_trailer);
    const bool empty = byte == '\n' && before == State::trailer_begin;
    state_ = empty ? State::ended : byte == '\n' ? State::trailer_begin : State::trailer_odd;
    return {};
}

std::string_view ChunkParser::take_trailer_strictly(char byte) noexcept {
    switch (state_) {
        case State::trailer_begin:
            state_ = byte == '\r' ? State::last_lf : State::trailer_name;
            return byte == '\r' || (class_of(byte) & is_token) != 0 ? std::string_view{} : "a malformed trailer";
        case State::trailer_name:
            state_ = byte == ':' ? State::trailer_value : State::trailer_name;
            return byte == ':' || (class_of(byte) & is_token) != 0 ? std::string_view{} : "a malformed trailer name";
        case State::trailer_value:
            state_ = byte == '\r' ? State::trailer_lf : State::trailer_value;
            return byte == '\r' || !ends_value(byte) ? std::string_view{} : "a control byte in a trailer";
        case State::trailer_lf:
            state_ = State::trailer_begin;
            return byte == '\n' ? std::string_view{} : "a bare CR in a trailer";
        case State::trailer_odd:
            state_ = byte == '\n' ? State::trailer_begin : State::trailer_odd;
            return {};
        case State::last_lf:
            state_ = State::ended;
            return byte == '\n' ? std::string_view{} : "a bare CR after the last chunk";
        case State::size_begin:
        case State::size:
        case State::blank:
        case State::extension:
        case State::size_lf:
        case State::data:
        case State::data_cr:
        case State::data_lf:
        case State::ended:
        case State::failed:
            break;
    }
    VERIFY(!"a byte of a trailer where there is none");
    return {};
}

}  // namespace core::http
