// Characters: which bytes may stand where in a head, as tables and vector scans for the parser's hot loops. Used only
// inside core/http.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace core::http {

// Bits of a byte's class.
inline constexpr std::uint8_t is_token = 1;   // RFC 9110 5.6.2 tchar
inline constexpr std::uint8_t is_folded = 2;  // a tchar that some gateway interface folds onto '-': any other sign
inline constexpr std::uint8_t is_target = 4;  // visible ASCII but '#': what a request target may hold
inline constexpr std::uint8_t is_host = 8;    // RFC 3986 unreserved: letters, digits, "-._~"
inline constexpr std::uint8_t is_digit = 16;
inline constexpr std::uint8_t is_hex = 32;
inline constexpr std::uint8_t is_dash = 64;

constexpr std::array<std::uint8_t, 256> make_classes() {
    std::array<std::uint8_t, 256> classes{};
    for (unsigned byte = 0x21; byte < 0x7f; ++byte) {
        const char c = static_cast<char>(byte);
        const bool digit = c >= '0' && c <= '9';
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool hex = digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        const bool token = digit || letter || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
        const bool host = digit || letter || std::string_view("-._~").find(c) != std::string_view::npos;
        unsigned bits = c != '#' ? is_target : 0U;
        bits |= token ? is_token : 0U;
        bits |= token && !digit && !letter && c != '-' ? is_folded : 0U;
        bits |= c == '-' ? is_dash : 0U;
        bits |= host ? is_host : 0U;
        bits |= digit ? is_digit : 0U;
        bits |= hex ? is_hex : 0U;
        classes[byte] = static_cast<std::uint8_t>(bits);
    }
    return classes;
}

inline constexpr std::array<std::uint8_t, 256> classes = make_classes();

constexpr std::uint8_t class_of(char c) {
    return classes[static_cast<unsigned char>(c)];
}

// True where every byte of text has the class, and there is at least one.
constexpr bool all_of_class(std::string_view text, std::uint8_t wanted) {
    for (const char c : text) {
        if ((class_of(c) & wanted) == 0) {
            return false;
        }
    }
    return !text.empty();
}

// First byte in [at, end) that does not have the class, or end.
constexpr const char* skip_class(const char* at, const char* end, std::uint8_t wanted) {
    while (at != end && (class_of(*at) & wanted) != 0) {
        ++at;
    }
    return at;
}

// RFC 9110 5.5: a field value holds visible characters, bytes above 127, space and tab.
constexpr bool ends_value(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && byte != '\t') || byte == 0x7f;
}

// First byte in [at, end) that cannot be part of a field value (in a good head: the CR), or end. Sixteen at a time:
// values are most of a head.
inline const char* skip_value(const char* at, const char* end) {
#ifdef __SSE2__
    const __m128i control_last = _mm_set1_epi8(0x1f);
    const __m128i tab = _mm_set1_epi8('\t');
    const __m128i del = _mm_set1_epi8(0x7f);
    while (end - at >= 16) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
        const __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(bytes, control_last), bytes);
        const __m128i ending =
            _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(bytes, tab), control), _mm_cmpeq_epi8(bytes, del));
        const int mask = _mm_movemask_epi8(ending);
        if (mask != 0) {
            return at + __builtin_ctz(static_cast<unsigned>(mask));
        }
        at += 16;
    }
#endif
    while (at != end && !ends_value(*at)) {
        ++at;
    }
    return at;
}

// Bytes above ASCII.
constexpr bool is_high(char c) {
    return static_cast<unsigned char>(c) >= 0x80;
}

constexpr bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

// Without the optional white space (space, tab) at both ends.
constexpr std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) {
        text.remove_prefix(1);
    }
    while (!text.empty() && is_blank(text.back())) {
        text.remove_suffix(1);
    }
    return text;
}

}  // namespace core::http
