#include "appliance/cli/deploy/rollout_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "appliance/cli/client/exit_code.hpp"
#include "appliance/cli/deploy/consent.hpp"
#include "appliance/cli/terminal/table.hpp"
#include "appliance/cli/views/rollout_end.hpp"

namespace appliance::cli {
namespace {

std::vector<std::string> names(const Json& object, const char* key) {
    std::vector<std::string> all;
    for (const Json& name : items(object, key)) {
        all.push_back(name.is_string() ? name.get<std::string>() : std::string());
    }
    return all;
}

Tone tone_of_progress(const std::string& state) {
    return state == "done"                           ? Tone::good
           : state == "failed" || state == "aborted" ? Tone::bad
           : state == "paused" || state == "undone"  ? Tone::caution
                                                     : Tone::plain;
}

std::string took(const Json& object) {
    const auto ms = number(object, "took_ms");
    return field(object, "took_ms").is_null() ? ""
           : ms < 10'000                      ? fmt::format("{:.1f}s", static_cast<double>(ms) / 1000)
                                              : core::base::print_age(core::Milliseconds(ms));
}

std::string headline(const Json& rollout) {
    return fmt::format("rollout {}: {} deploy of {}", number(rollout, "id"), text(rollout, "strategy"),
                       text(rollout, "pool"));
}

std::string setting(const Json& rollout, const char* key) {
    return text(field(rollout, "settings"), key);
}

// "200", "200, 204, 3xx".
std::string statuses(const Json& wanted) {
    std::string all;
    for (const Json& each : wanted.is_array() ? wanted : Json::array({wanted})) {
        all += (all.empty() ? "" : ", ") + (each.is_string() ? each.get<std::string>() : each.dump());
    }
    return all;
}

// What a step waits for, in words.
std::string evidence_wanted(const Json& rollout, const std::string& kind) {
    const Json& settings = field(rollout, "settings");
    if (kind == "wait") {
        return "it is past " + text(rollout, "starts");
    }
    if (kind == "guard") {
        const std::string wait = setting(rollout, "wait");
        return wait == "0s" || wait == "0ms" || wait.empty() ? "every guard agrees"
                                                             : fmt::format("every guard agrees within {}", wait);
    }
    if (kind == "floor") {
        return fmt::format("at least {} eligible", print_number(number(settings, "min_healthy"), "other server"));
    }
    if (kind == "page") {
        return "visitors see the page";
    }
    if (kind == "preview") {
        return "paused: only testers see the site";
    }
    if (kind == "show") {
        return "an operator has resumed, the page is off";
    }
    if (kind == "fence") {
        return fmt::format("rule in the kernel, nothing in flight within {}", setting(rollout, "drain"));
    }
    if (kind == "run") {
        return fmt::format("exit code 0 within {}: {}", setting(rollout, "run_timeout"), setting(rollout, "run"));
    }
    if (kind == "warm") {
        return fmt::format("{} answered GET {} within {}", number(settings, "warm_count"),
                           setting(rollout, "warm_path"), setting(rollout, "warm_timeout"));
    }
    const auto port = number(settings, "verify_port");
    if (kind == "front" && port != 0) {
        return fmt::format("as a visitor, GET {} is answered, and not with 5xx", setting(rollout, "warm_path"));
    }
    if (kind == "verify" || kind == "front") {
        const std::string where = port == 0 ? "" : fmt::format(" on port {}", port);
        std::string wanted =
            fmt::format("{}GET {}{} is {}", kind == "front" ? "as a visitor, " : "", setting(rollout, "verify_path"),
                        where, statuses(field(settings, "expect_status")));
        for (const char* key : {"expect_body", "expect_regex", "expect_json", "expect_header"}) {
            const std::string value = setting(rollout, key);
            wanted += value.empty() ? "" : fmt::format(", {} '{}'", std::string(key).substr(7), value);
        }
        return wanted;
    }
    return kind == "open" ? fmt::format("fence lifted, check passed within {}", setting(rollout, "open_timeout"))
                          : fmt::format("up for {}", setting(rollout, "soak"));
}

std::string visitors_of(const Json& object) {
    const Json& seen = field(object, "visitors");
    if (!seen.is_object()) {
        return {};
    }
    if (number(seen, "requests") == 0) {
        return "none";
    }
    const auto failed = number(field(seen, "status"), "5xx") + number(seen, "broken");
    const auto retried = number(seen, "retried");
    const auto waited = number(seen, "waited");
    const Json& latency = field(seen, "latency");
    const auto ms = [&latency](const char* name) {
        const Json& value = field(latency, name);
        return value.is_number() ? value.get<double>() : 0.0;
    };
    return fmt::format("{}, {} failed{}{}, p50 {:.1f} ms, p99 {:.1f} ms",
                       print_number(number(seen, "requests"), "request"), failed == 0 ? "none" : print_count(failed),
                       retried == 0 ? "" : fmt::format(", {} retried", print_count(retried)),
                       waited == 0 ? "" : fmt::format(", {} waited", print_count(waited)), ms("p50_ms"), ms("p99_ms"));
}

// What an operator can do about a rollout that waits or that has left servers fenced; empty where there is nothing.
std::string next_after(const Json& rollout) {
    const std::string state = text(rollout, "state");
    if (is_previewed(rollout)) {
        return "testers see the site: gatehouse deploy resume shows it to all, deploy rollback undoes it";
    }
    if (state == "paused") {
        const bool guarded = exit_code_of(rollout) == timed_out;
        return fmt::format("{}, deploy rollback undoes it, deploy abort ends it{}",
                           guarded               ? "gatehouse deploy resume waits for the guards again"
                           : has_failed(rollout) ? "gatehouse deploy resume tries again (--skip marks it as done)"
                                                 : "gatehouse deploy resume goes on",
                           guarded ? "; until then no other deploy can start" : "");
    }
    const auto held = names(rollout, "held");
    const bool over = state == "failed" || state == "aborted";
    return over && !held.empty() ? fmt::format("gatehouse unfence {} opens what is well", fmt::join(held, " "))
                                 : std::string();
}

std::string header_of(const Json& rollout, const Style& style) {
    const std::string state = text(rollout, "state");
    const std::string why = text(rollout, "state_why");
    std::string out = paint(headline(rollout), Tone::title, style) + "\n";
    out += paragraph(fmt::format("{}{}{}", state, why.empty() ? "" : ": ", why), style, 2, tone_of_progress(state));
    const std::string reason = text(rollout, "why");
    out += paragraph(fmt::format("by {} at {}, {}{}{}", text(rollout, "who"), text(rollout, "created"), took(rollout),
                                 reason.empty() ? "" : ": ", reason),
                     style, 2);
    if (const std::string expires = text(rollout, "expires"); !expires.empty() && state == "running") {
        out += paragraph("begins by " + expires + " or not at all", style, 2);
    }
    if (const std::string overridden = text(rollout, "overridden"); !overridden.empty()) {
        out += paragraph("guards overridden: " + overridden, style, 2, Tone::caution);
    }
    return out;
}

}  // namespace

std::string show_plan(const Json& rollout, const Style& style) {
    Table table({{"STEP", true}, {"WHAT"}, {"SERVERS"}, {"DONE WHEN"}});
    for (const Json& step : items(rollout, "steps")) {
        const std::string kind = text(step, "kind");
        table.add({{std::to_string(number(step, "id") + 1)},
                   {kind},
                   {fmt::format("{}", fmt::join(names(step, "servers"), ", "))},
                   {evidence_wanted(rollout, kind)}});
    }
    std::string out = paint(fmt::format("plan: {} deploy of {}", text(rollout, "strategy"), text(rollout, "pool")),
                            Tone::title, style) +
                      "\n" + table.render(style, 2);
    const bool undoes = text(rollout, "strategy") == "rollback";
    const std::string undo = setting(rollout, "rollback");
    out += undoes ? std::string()
                  : paragraph(undo.empty() ? "rollback: no command; deploy rollback --run gives one"
                                           : "rollback: on all touched servers at once: " + undo,
                              style);
    if (const auto commands = commands_in(rollout)) {
        out += show_commands(*commands, style);
    }
    const bool possible = field(rollout, "possible") == true;
    out += undoes ? std::string()
                  : paragraph("guards: " + text(rollout, "guards"), style, 0, possible ? Tone::plain : Tone::caution);
    if (const std::string busy = text(rollout, "busy"); !busy.empty()) {
        out += paragraph(busy, style, 0, Tone::caution);
    }
    return out;
}

std::string show_rollout(const Json& rollout, core::WallTime /*now*/, const Style& style) {
    Table table({{"STEP", true}, {"WHAT"}, {"SERVERS"}, {"STATE"}, {"TIME", true}, {"SEEN"}});
    std::size_t over = 0;
    for (const Json& step : items(rollout, "steps")) {
        const std::string progress = text(step, "progress");
        over += progress == "done" || progress == "skipped" ? 1 : 0;
        table.add({{std::to_string(number(step, "id") + 1)},
                   {text(step, "kind")},
                   {fmt::format("{}", fmt::join(names(step, "servers"), ", "))},
                   {progress, tone_of_progress(progress)},
                   {took(step)},
                   {seen_of(step)}});
    }
    std::string out = header_of(rollout, style);
    out += paragraph(fmt::format("{} of {} steps finished{}", over, items(rollout, "steps").size(),
                                 field(rollout, "waits_for_runner") == true && field(rollout, "runner").is_null()
                                     ? "; nobody runs its commands: gatehouse deploy resume"
                                     : ""),
                     style, 2);
    if (const std::string trouble = text(rollout, "trouble"); !trouble.empty()) {
        out += paragraph(trouble, style, 2, Tone::bad);
    }
    out += table.render(style, 2);
    const auto commands = commands_in(rollout);
    return out + (commands && !commands->empty() ? show_commands(*commands, style) : std::string());
}

std::string show_history(const Json& history, core::WallTime now, const Style& style) {
    Table table({{"ID", true}, {"STRATEGY"}, {"POOL"}, {"STATE"}, {"AGO", true}, {"TIME", true}, {"WHO"}, {"WHY"}});
    for (const Json& rollout : items(history, "rollouts")) {
        const std::string state = text(rollout, "state");
        table.add({{std::to_string(number(rollout, "id"))},
                   {text(rollout, "strategy")},
                   {text(rollout, "pool")},
                   {state, tone_of_progress(state)},
                   {print_since(rollout, "created", now)},
                   {took(rollout)},
                   {text(rollout, "who")},
                   {text(rollout, "why")}});
    }
    return table.empty() ? "no rollout yet; gatehouse deploy rolling -h begins one\n" : table.render(style);
}

std::string show_report(const Json& report, core::WallTime /*now*/, const Style& style) {
    std::string out = header_of(report, style);
    if (const std::string all = visitors_of(report); !all.empty()) {
        out += paragraph("visitors: " + all, style, 2);
    }
    Table table({{"STEP", true}, {"WHAT"}, {"SERVERS"}, {"STATE"}, {"TIME", true}, {"SEEN"}});
    for (const Json& step : items(report, "steps")) {
        const std::string progress = text(step, "progress");
        std::vector<Cell> details;
        if (const std::string visitors = visitors_of(step); !visitors.empty()) {
            details.push_back({"visitors: " + visitors});
        }
        table.add({{std::to_string(number(step, "id") + 1)},
                   {text(step, "kind")},
                   {fmt::format("{}", fmt::join(names(step, "servers"), ", "))},
                   {progress, tone_of_progress(progress)},
                   {took(step)},
                   {seen_of(step)}},
                  std::move(details));
    }
    return out + table.render(style, 2);
}

std::string show_end(const Json& rollout, const Style& style) {
    const std::string state = text(rollout, "state");
    const auto held = names(rollout, "held");
    std::string out = paragraph(fmt::format("{}: {} after {}", headline(rollout), state, took(rollout)), style, 0,
                                tone_of_progress(state));
    if (!held.empty()) {
        out += paragraph(fmt::format("fenced: {}", fmt::join(held, ", ")), style, 2, Tone::caution);
    }
    if (const std::string next = next_after(rollout); !next.empty()) {
        out += paragraph(next, style, 2);
    }
    return out;
}

}  // namespace appliance::cli
