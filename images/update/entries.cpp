#include "images/update/entries.hpp"

#include <charconv>

#include "images/update/release.hpp"

namespace images::update {
namespace {

constexpr std::string_view prefix = "gatehouse_";
constexpr std::string_view ending = ".efi";

std::optional<unsigned> number(std::string_view text) noexcept {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<Entry> parse_entry(std::string_view file_name) {
    if (!file_name.starts_with(prefix) || !file_name.ends_with(ending)) {
        return std::nullopt;
    }
    file_name.remove_prefix(prefix.size());
    file_name.remove_suffix(ending.size());
    const auto plus = file_name.find('+');
    const std::string_view version = file_name.substr(0, plus);
    if (!is_version(version)) {
        return std::nullopt;
    }
    Entry entry{std::string(version), std::nullopt};
    if (plus != std::string_view::npos) {
        const std::string_view counts = file_name.substr(plus + 1);
        const auto minus = counts.find('-');
        entry.tries_left = number(counts.substr(0, minus));
        if (!entry.tries_left || (minus != std::string_view::npos && !number(counts.substr(minus + 1)))) {
            return std::nullopt;
        }
    }
    return entry;
}

std::string given_up_name(const std::string& version) {
    return std::string(prefix) + version + "+0-1" + std::string(ending);
}

}  // namespace images::update
