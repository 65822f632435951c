#include "appliance/guard/calendar/span.hpp"

#include <algorithm>

namespace appliance::guard {
namespace {

// The size of the UTF-8 character at the front (RFC 3629); 0: it is none, or a control character of ISO 6429.
std::size_t character_size(std::string_view text) {
    const auto byte = [text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return first < 0x20 || first == 0x7F ? 0 : 1;
    }
    const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || size > text.size()) {
        return 0;
    }
    for (std::size_t at = 1; at < size; ++at) {
        if ((byte(at) & 0xC0U) != 0x80U) {
            return 0;
        }
    }
    const unsigned second = byte(1);
    const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
    const bool surrogate = first == 0xED && second >= 0xA0;
    const bool control = first == 0xC2 && second < 0xA0;
    return overlong || surrogate || control || (first == 0xF4 && second >= 0x90) ? 0 : size;
}

}  // namespace

std::string brief(std::string_view text) {
    constexpr std::size_t max = 120;
    constexpr std::string_view more = "…";
    std::string out;
    std::size_t fits = 0;  // as much of it as leaves room for the dots
    while (!text.empty() && out.size() <= max) {
        const std::size_t size = character_size(text);
        out += size == 0 ? std::string_view(" ") : text.substr(0, size);
        text.remove_prefix(std::max<std::size_t>(size, 1));
        fits = out.size() <= max - more.size() ? out.size() : fits;
    }
    return out.size() <= max ? out : out.substr(0, fits).append(more);
}

}  // namespace appliance::guard
