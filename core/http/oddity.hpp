// Oddity: a part of a server's answer that violates RFC 9112 and still has one reading. Such an answer is rewritten for
// the visitor. The parser finds it; the exchange counts and logs it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace core::http {

enum class Oddity : std::uint8_t {
    length_beside_chunked,  // RFC 9112 6.3: chunked wins
    chunked_in_http_1_0,    // RFC 9112 6.1: closes the connection afterwards
    repeated_length,        // RFC 9110 8.6: equal values
    empty_coding,           // RFC 9110 5.6.1.2: an empty member of Transfer-Encoding
    folded_field,           // RFC 9112 5.2: a fold counts as a blank
    bare_lf,                // RFC 9112 2.2: a lone LF ends a line
    control_byte,           // RFC 9110 5.5: in a value or the reason; counts as a blank
    blank_before_colon,     // RFC 9112 5.1: removed
    loose_status_line,      // RFC 9112 4: other white space than one blank; an empty line before it
    malformed_connection,   // no list of tokens, or too many: the connection is not kept
    interim_with_body,      // RFC 9112 6.3: 1xx has none, whatever it says
    padded_chunk,           // blanks or zeros beside a chunk size
    odd_trailer,            // a trailer that is no field; trailers are dropped anyway
};

inline constexpr std::array<std::string_view, 13> oddity_names{"length_beside_chunked",
                                                               "chunked_in_http_1_0",
                                                               "repeated_length",
                                                               "empty_coding",
                                                               "folded_field",
                                                               "bare_lf",
                                                               "control_byte",
                                                               "blank_before_colon",
                                                               "loose_status_line",
                                                               "malformed_connection",
                                                               "interim_with_body",
                                                               "padded_chunk",
                                                               "odd_trailer"};

inline constexpr std::size_t oddity_count = oddity_names.size();

// The name in metrics and the log.
constexpr std::string_view print(Oddity oddity) noexcept {
    return oddity_names[static_cast<std::size_t>(oddity)];
}

// The oddities of one answer.
class Oddities {
public:
    constexpr void add(Oddity oddity) noexcept {
        bits_ = static_cast<std::uint16_t>(bits_ | 1U << static_cast<unsigned>(oddity));
    }
    constexpr void add(Oddities others) noexcept { bits_ = static_cast<std::uint16_t>(bits_ | others.bits_); }
    [[nodiscard]] constexpr bool has(Oddity oddity) const noexcept {
        return (bits_ >> static_cast<unsigned>(oddity) & 1U) != 0;
    }
    // Calls tell(oddity) for each of them.
    template <typename Tell>
    constexpr void each(Tell tell) const {
        for (std::size_t at = 0; at < oddity_count; ++at) {
            if (has(static_cast<Oddity>(at))) {
                tell(static_cast<Oddity>(at));
            }
        }
    }
    [[nodiscard]] constexpr bool any() const noexcept { return bits_ != 0; }

private:
    std::uint16_t bits_ = 0;
};

}  // namespace core::http
