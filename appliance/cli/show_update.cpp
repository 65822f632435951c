#include "appliance/cli/show_update.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/cli/table.hpp"

namespace appliance::cli {

std::string show_update(const Json& answer, const Style& style) {
    Table table({{"VERSION"}, {"STATE"}, {"NOW"}});
    const std::string running = text(answer, "running", "?");
    for (const Json& version : items(answer, "versions")) {
        const std::string name = text(version, "version");
        const std::string state = text(version, "state");
        const Tone tone = state == "given up" ? Tone::bad : state == "served" ? Tone::good : Tone::caution;
        table.add({{name}, {state, tone}, {name == running ? "runs" : ""}});
    }
    const std::string what = text(answer, "what");
    return table.render(style) +
           fmt::format("\n{}: {}\n", text(answer, "state", "?"), what.empty() ? "nothing asked for" : what);
}

std::string show_update_asked(const Json& answer) {
    const std::string asked = text(answer, "asked");
    return asked == "install" ? "asked for; see gatehouse update status\n" : "asked for; the machine starts anew\n";
}

}  // namespace appliance::cli
