#include "core/http/date.hpp"

#include <algorithm>

namespace core::http {
namespace {

constexpr std::string_view days = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";

void put(DateText& out, std::size_t at, std::string_view text) noexcept {
    std::ranges::copy(text, out.begin() + static_cast<std::ptrdiff_t>(at));
}

// number in two digits.
void put_pair(DateText& out, std::size_t at, unsigned number) noexcept {
    out[at] = static_cast<char>('0' + number / 10 % 10);
    out[at + 1] = static_cast<char>('0' + number % 10);
}

}  // namespace

DateText print_date(std::chrono::sys_seconds time) noexcept {
    const auto midnight = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(midnight);
    const std::chrono::hh_mm_ss clock(time - midnight);
    const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
    DateText out{};
    put(out, 0, "Sun, 06 Nov 1994 08:49:37 GMT");
    put(out, 0, days.substr(3 * std::chrono::weekday(midnight).c_encoding(), 3));
    put_pair(out, 5, static_cast<unsigned>(date.day()));
    put(out, 8, months.substr(3 * (static_cast<unsigned>(date.month()) - 1), 3));
    put_pair(out, 12, year / 100);
    put_pair(out, 14, year % 100);
    put_pair(out, 17, static_cast<unsigned>(clock.hours().count()));
    put_pair(out, 20, static_cast<unsigned>(clock.minutes().count()));
    put_pair(out, 23, static_cast<unsigned>(clock.seconds().count()));
    return out;
}

}  // namespace core::http
