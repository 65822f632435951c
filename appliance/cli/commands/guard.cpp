// `gatehouse guard`: whether a deploy may start.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/command.hpp"
#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/terminal/table.hpp"

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

std::string show_guards(const Json& answer, const Style& style) {
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

class GuardCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& common) override {
        add_duration(app, "--for", "Expected duration; schedules must be free (0s)", [this](core::Milliseconds length) {
            if (length > std::chrono::hours(24)) {
                throw CLI::ValidationError("--for", "at most 24h");
            }
            length_ = length;
        });
        add_time(app, "--at", "Start time: 2h, or 2026-11-22T14:00Z", common.now,
                 [this](core::WallTime time, const std::string& /*text*/) { at_ = time; });
        app.footer(
            "Example: gatehouse guard --for 30m && gatehouse deploy rolling app\n"
            "Exit codes: 0 every guard agrees, 1 one does not, or cannot be asked.");
    }
    [[nodiscard]] Request request() const override {
        const std::string at = at_ ? "&at=" + core::base::print_time(*at_) : std::string();
        // Guards ask servers of their own, with a patience of their own.
        return {fmt::format("/v1/guard?for_ms={}{}", length_.count(), at), {}, std::chrono::minutes(5)};
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_guards(body, screen.style);
    }
    [[nodiscard]] Outcome present(const Json& body, const Screen& screen) const override {
        Outcome outcome = Query::present(body, screen);
        outcome.code = field(body, "allowed") == true ? done : failed;
        return outcome;
    }

private:
    core::Milliseconds length_{};       // of the deploy
    std::optional<core::WallTime> at_;  // it starts then; none: now
};

}  // namespace

extern const Maker make_guard = make<GuardCommand>;

}  // namespace appliance::cli
