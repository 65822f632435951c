#include "appliance/cli/views/trial.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/cli/terminal/table.hpp"

namespace appliance::cli {

std::string show_changed(const Json& answer, const std::string& verb, const Style& style) {
    std::string out;
    for (const Json& change : items(answer, "changed")) {
        out += paragraph(verb + " " + (change.is_string() ? change.get<std::string>() : change.dump()), style);
    }
    return out;
}

std::string show_trial(const Json& answer, const Style& style) {
    const Json& trial = field(answer, "trial");
    return !trial.is_object()
               ? std::string()
               : paragraph(fmt::format("on trial until {}, then the one before comes back; keep it with: "
                                       "gatehouse config confirm",
                                       text(trial, "until")),
                           style, 0, Tone::caution);
}

}  // namespace appliance::cli
