#include "appliance/base/utf8.hpp"

#include <cstddef>
#include <cstdint>

namespace appliance::base {
namespace {

struct Lead {
    std::size_t following;  // bytes behind it
    std::uint8_t low;       // of the first of them
    std::uint8_t high;
};

// following is 4 for what leads nothing.
Lead lead_of(std::uint8_t byte) noexcept {
    if (byte < 0x80) {
        return {0, 0, 0};
    }
    if (byte >= 0xC2 && byte <= 0xDF) {
        return {1, 0x80, 0xBF};
    }
    if (byte >= 0xE0 && byte <= 0xEF) {
        return {2, static_cast<std::uint8_t>(byte == 0xE0 ? 0xA0 : 0x80),
                static_cast<std::uint8_t>(byte == 0xED ? 0x9F : 0xBF)};
    }
    if (byte >= 0xF0 && byte <= 0xF4) {
        return {3, static_cast<std::uint8_t>(byte == 0xF0 ? 0x90 : 0x80),
                static_cast<std::uint8_t>(byte == 0xF4 ? 0x8F : 0xBF)};
    }
    return {4, 0, 0};
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
    for (std::size_t at = 0; at < text.size(); ++at) {
        const Lead lead = lead_of(static_cast<std::uint8_t>(text[at]));
        if (lead.following == 4 || text.size() - at - 1 < lead.following) {
            return false;
        }
        for (std::size_t i = 1; i <= lead.following; ++i) {
            const auto byte = static_cast<std::uint8_t>(text[at + i]);
            if (byte < (i == 1 ? lead.low : 0x80) || byte > (i == 1 ? lead.high : 0xBF)) {
                return false;
            }
        }
        at += lead.following;
    }
    return true;
}

}  // namespace appliance::base
