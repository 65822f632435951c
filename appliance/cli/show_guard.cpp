#include "appliance/cli/show_guard.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/cli/table.hpp"

namespace appliance::cli {
namespace {

Tone tone_of_verdict(const std::string& verdict) {
    return verdict == "allowed" ? Tone::good : verdict == "warned" ? Tone::caution : Tone::bad;
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
        paragraph(fmt::format("a deploy at {}{} {}", text(answer, "at"),
                              length.count() == 0 ? "" : fmt::format(" for {}", core::base::print_duration(length)),
                              allowed ? "may start" : "may not start"),
                  style, 0, allowed ? Tone::good : Tone::bad);
    if (table.empty()) {
        return out + paragraph("no guard is configured; [guard.NAME] makes one", style, 2);
    }
    out += table.render(style, 2);
    const std::string next = text(answer, "next_free");
    if (!allowed) {
        out += paragraph(next.empty() ? "no free window is known in the next 14 days"
                                      : fmt::format("windows and schedules leave it free from {}", next),
                         style);
    }
    return out;
}

}  // namespace appliance::cli
