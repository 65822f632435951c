// The Date field's value. Workers make it once a second and hand the text to the writer.
#pragma once

#include <array>
#include <chrono>
#include <string_view>

namespace core::http {

// "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110 5.6.7).
using DateText = std::array<char, 29>;

// time: years 1 to 9999.
[[nodiscard]] DateText print_date(std::chrono::sys_seconds time) noexcept;

[[nodiscard]] inline std::string_view view(const DateText& date) noexcept {
    return {date.data(), date.size()};
}

}  // namespace core::http
