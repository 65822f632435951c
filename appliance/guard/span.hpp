// Span: a stretch of time in which something speaks against a deploy.
#pragma once

#include <string>
#include <string_view>

#include "core/base/duration.hpp"

namespace appliance::guard {

struct Span {
    core::WallTime from;
    core::WallTime until;  // after from
    std::string why;

    friend bool operator==(const Span&, const Span&) = default;
};

// Other people's words, short enough for a line of the log: at most 120 bytes, no half character.
inline std::string brief(std::string_view text) {
    constexpr std::size_t max = 120;
    if (text.size() <= max) {
        return std::string(text);
    }
    std::size_t end = max - 3;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
        --end;
    }
    return std::string(text.substr(0, end)) + "…";
}

}  // namespace appliance::guard
