#include "appliance/cli/views/event.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {
namespace {

// The value of "name: value", without the blank that may stand before it.
std::string_view value_of(std::string_view line, std::string_view name) {
    line.remove_prefix(name.size());
    return line.starts_with(' ') ? line.substr(1) : line;
}

}  // namespace

bool EventReader::read(std::string_view bytes,
                       const std::function<bool(const std::string& kind, const std::string& data)>& take) {
    for (const char c : bytes) {
        if (c != '\n') {
            rest_ += c;
            continue;
        }
        if (rest_.starts_with("event:")) {
            kind_ = value_of(rest_, "event:");
        } else if (rest_.starts_with("data:")) {
            data_ = value_of(rest_, "data:");
        } else if (rest_.empty() && !data_.empty()) {
            if (!take(std::exchange(kind_, {}), std::exchange(data_, {}))) {
                return false;
            }
        }
        rest_.clear();
    }
    return true;
}

std::string show_event(const std::string& line, const Style& style) {
    const auto event = base::parse_json<nlohmann::ordered_json>(line, base::wide_bounds);  // in the order of the log
    if (!event.is_object()) {
        return paragraph(line, style);
    }
    std::string words;
    for (const auto& [name, value] : event.items()) {
        // A fence that has just been set has met no packet: that is no news.
        const bool none = (name == "packets" || name == "bytes") && value == 0;
        const bool said = name == "time" || name == "event" || value.is_null() || value == "" || value.is_structured();
        words += said || none ? std::string()
                              : fmt::format("{}{} {}", words.empty() ? "" : ", ", name,
                                            value.is_string() ? value.get<std::string>() : value.dump());
    }
    std::string time = event.value("time", "");
    if (time.size() >= 19) {
        time = time.substr(0, 10) + " " + time.substr(11, 8);
    }
    return paragraph(fmt::format("{}  {:<11} {}", time, event.value("event", ""), words), style);
}

}  // namespace appliance::cli
