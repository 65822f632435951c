// What changes of the configuration look like on a terminal.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/cli/show.hpp"
#include "appliance/cli/table.hpp"
#include "appliance/cli/view.hpp"

namespace appliance::cli {
namespace {

// Empty where nothing is on trial.
std::string show_trial(const Json& answer, const Style& style) {
    const Json& trial = field(answer, "trial");
    return !trial.is_object()
               ? std::string()
               : paragraph(fmt::format("on trial until {}, then the one before comes back; keep it with: "
                                       "gatehouse config confirm",
                                       text(trial, "until")),
                           style, 0, Tone::caution);
}

}  // namespace

std::string show_reloaded(const Json& answer, const Style& style) {
    std::string out;
    for (const Json& change : items(answer, "changed")) {
        out += paragraph("changed " + (change.is_string() ? change.get<std::string>() : change.dump()), style);
    }
    return (out.empty() ? "nothing has changed\n" : out) + show_trial(answer, style);
}

std::string show_applied(const Json& answer, const Style& style) {
    const bool dry_run = field(answer, "dry_run") == true;
    std::string out;
    for (const Json& change : items(answer, "changed")) {
        out += paragraph(
            (dry_run ? "would change " : "changed ") + (change.is_string() ? change.get<std::string>() : change.dump()),
            style);
    }
    if (dry_run) {
        return (out.empty() ? "nothing would change\n" : out) + "valid; nothing was written\n";
    }
    if (field(answer, "written") != true) {
        return (out.empty() ? "nothing has changed\n" : out) + show_trial(answer, style);
    }
    // A comment, or another layout: the daemon does what it did.
    return out +
           paragraph(fmt::format("written to {}{} (undo: gatehouse config rollback)", text(answer, "file"),
                                 out.empty() ? ", which says the same as before" : ""),
                     style) +
           show_trial(answer, style);
}

std::string show_confirmed(const Json& answer, const Style& style) {
    return paragraph(fmt::format("confirmed: what {} changed at {} counts for good",
                                 text(field(answer, "confirmed"), "who"), text(field(answer, "confirmed"), "since")),
                     style);
}

}  // namespace appliance::cli
