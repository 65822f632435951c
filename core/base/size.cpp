#include "core/base/size.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace core::base {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t bytes;
};

constexpr std::array<Unit, 4> units{{{"GiB", 1ULL << 30}, {"MiB", 1ULL << 20}, {"KiB", 1ULL << 10}, {"B", 1}}};
constexpr std::uint64_t size_max = 1024ULL << 30;

}  // namespace

Result<std::uint64_t> parse_size(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
    const auto* unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == rest; });
    const bool too_large = error == std::errc::result_out_of_range;
    if ((error != std::errc{} && !too_large) || unit == units.end()) {
        return fail(fmt::format("'{}' is not a size", text), {}, "write a number and a unit, such as 512B or 16KiB");
    }
    if (too_large || value > size_max / unit->bytes) {
        return fail(fmt::format("'{}' is too large", text), {}, "at most 1024GiB");
    }
    return value * unit->bytes;
}

std::string print_size(std::uint64_t bytes) {
    const auto* unit = std::find_if(units.begin(), units.end(),
                                    [&](const Unit& u) { return bytes >= u.bytes && bytes % u.bytes == 0; });
    return unit == units.end() ? "0B" : fmt::format("{}{}", bytes / unit->bytes, unit->name);
}

}  // namespace core::base
