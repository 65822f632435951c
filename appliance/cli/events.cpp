#include "appliance/cli/events.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "appliance/base/bounded_json.hpp"
#include "appliance/cli/exit_code.hpp"
#include "appliance/cli/request.hpp"
#include "appliance/cli/table.hpp"
#include "appliance/cli/view.hpp"

namespace appliance::cli {
namespace {

// The daemon says something at least every 10 seconds.
constexpr std::chrono::seconds silence_max{30};

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

Outcome follow_events(const Options& options) {
    EventReader reader;
    const Style style = terminal_style();
    std::optional<int> unwritten;  // errno
    const auto print = [&](const std::string& kind, const std::string& data) {
        if (kind == "missed") {
            std::fputs("gatehouse: some events were too long ago and are not shown\n", stderr);
            return true;
        }
        const std::string out = options.json ? data + "\n" : show_event(data, style);
        if (std::fwrite(out.data(), 1, out.size(), stdout) != out.size() || std::fflush(stdout) != 0) {
            unwritten = errno;
        }
        return !unwritten;
    };
    const auto answer = client_for(options).follow(
        options.all ? "/v1/events?after=0" : "/v1/events",
        [&](std::string_view bytes) { return reader.read(bytes, print); }, silence_max);
    if (unwritten) {
        return outcome_of_unwritten(*unwritten);
    }
    if (!answer) {
        return outcome_of(answer.error());
    }
    if (answer->status != 200) {
        return outcome_of(*answer, options, core::base::wall_now(), terminal_style());
    }
    return {unreachable, {}, "gatehouse: the daemon has ended this; try again when it is back\n"};
}

}  // namespace appliance::cli
