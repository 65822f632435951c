#include "images/setup/lines.hpp"

#include <algorithm>

namespace images::setup {
namespace {

constexpr std::size_t name_max = 253;

}  // namespace

core::base::Result<void> each_line(std::string_view text, const std::function<core::base::Result<void>(Line)>& take) {
    while (!text.empty()) {
        const auto end = text.find('\n');
        std::string_view line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) {
            line.remove_suffix(1);
        }
        if (line.empty() || line.front() == '#') {
            continue;
        }
        const auto equals = line.find('=');
        const bool divided = equals != std::string_view::npos;
        if (auto taken = take({line, line.substr(0, equals), divided ? line.substr(equals + 1) : std::string_view()});
            !taken) {
            return taken;
        }
    }
    return {};
}

bool is_host_name(std::string_view text) noexcept {
    return !text.empty() && text.size() <= name_max && std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

}  // namespace images::setup
