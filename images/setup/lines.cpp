#include "images/setup/lines.hpp"

namespace images::setup {

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

}  // namespace images::setup
