#include "appliance/cli/show_guard.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/cli/table.hpp"

namespace appliance::cli {
namespace {

Tone tone_of_verdict(const std::string& verdict) {
    return verdict == "allowed" ? Tone::good : verdict == "warned" ? Tone::caution : Tone::bad;
}

// Of the guards that forbid it: whether some say when it may be again, and what the others say.
struct Against {
    bool timed = false;    // windows or a schedule
    bool meeting = false;  // people meet now
    bool unknown = false;  // whether people meet now is not known
};

Against against(const Json& answer) {
    Against found;
    for (const Json& guard : items(answer, "guards")) {
        const std::string verdict = text(guard, "verdict");
        const bool live = text(guard, "kind") == "bigbluebutton";
        found.timed = found.timed || (!live && (verdict == "blocked" || verdict == "unknown"));
        found.meeting = found.meeting || (live && verdict == "blocked");
        found.unknown = found.unknown || (live && verdict == "unknown");
    }
    return found;
}

// When it may be.
std::string outlook(const Json& answer) {
    const Against found = against(answer);
    const std::string next = text(answer, "next_free_local");
    if (!found.timed && (found.meeting || found.unknown)) {
        return found.unknown ? "windows and schedules have nothing against it; ask again when the servers answer"
                             : "windows and schedules have nothing against it; ask again when the meeting has ended";
    }
    if (next.empty()) {
        return "no free window is known in the next 14 days";
    }
    return fmt::format("windows and schedules leave it free from {}{}", next,
                       found.meeting || found.unknown ? "; who meets then cannot be known" : "");
}

}  // namespace

std::string show_guards(const Json& answer, core::WallTime /*now*/, const Style& style) {
    Table table({{"GUARD"}, {"KIND"}, {"SAYS"}, {"WHY"}});
    for (const Json& guard : items(answer, "guards")) {
        const std::string verdict = text(guard, "verdict");
        table.add(
            {{text(guard, "name")}, {text(guard, "kind")}, {verdict, tone_of_verdict(verdict)}, {text(guard, "why")}});
    }
    const bool allowed = field(answer, "allowed") == true;
    const auto length = core::Milliseconds(number(answer, "for_ms"));
    std::string out =
        paragraph(fmt::format("a deploy at {}{} {}", text(answer, "at_local"),
                              length.count() == 0 ? "" : fmt::format(" for {}", core::base::print_duration(length)),
                              allowed ? "may start" : "may not start"),
                  style, 0, allowed ? Tone::good : Tone::bad);
    if (table.empty()) {
        return out + paragraph("no guard is configured; [guard.NAME] makes one", style, 2);
    }
    out += table.render(style, 2);
    if (!allowed) {
        out += paragraph(outlook(answer), style);
    }
    return out;
}

}  // namespace appliance::cli
