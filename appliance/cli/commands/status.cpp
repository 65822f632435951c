// `gatehouse status`: listeners, pools and backends.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/arguments.hpp"
#include "appliance/cli/client/command.hpp"
#include "appliance/cli/terminal/table.hpp"
#include "appliance/cli/views/backends.hpp"
#include "appliance/cli/views/one_pool.hpp"

namespace appliance::cli {
namespace {

Tone tone_of_state(const std::string& state) {
    if (state == "up" || state == "running" || state == "serving") {
        return Tone::good;
    }
    return state == "down" ? Tone::bad : Tone::caution;
}

// "proxy running 3h 2m (pid 4711)".
std::string show_process(const Json& status, const char* key, const std::string& name, core::WallTime now) {
    const Json& process = field(status, key);
    const auto state = text(process, "state", "unknown");
    const auto pid = number(process, "pid");
    return fmt::format("{} {} {}{}", name, state, print_since(process, "since", now),
                       pid > 0 ? fmt::format(" (pid {})", pid) : "");
}

std::string show_head(const Json& status, core::WallTime now, const Style& style) {
    const auto up = print_since(status, "since", now);
    std::string out =
        paragraph(fmt::format("gatehouse {}, up {}, {}, {}", text(status, "version", "?"), up,
                              print_number(number(status, "workers"), "worker"), text(status, "config", "?")),
                  style, 0, Tone::title);
    const bool well =
        text(field(status, "proxy"), "state") == "running" && text(field(status, "fence_helper"), "state") == "running";
    out += paragraph(fmt::format("{}, {}", show_process(status, "proxy", "proxy", now),
                                 show_process(status, "fence_helper", "fence helper", now)),
                     style, 0, well ? Tone::plain : Tone::bad);
    if (const Json& folder = field(status, "state_folder"); text(folder, "state", "ok") != "ok") {
        out += paragraph(
            fmt::format("state folder in trouble for {}: {}; {}", print_since(folder, "since", now),
                        text(folder, "why"),
                        field(folder, "unsaved") == true ? "fences and pages are in memory and not on the disk"
                                                         : "fences and the page work, nothing else can be changed"),
            style, 0, Tone::bad);
    }
    if (const Json& trial = field(status, "trial"); trial.is_object()) {
        out += paragraph(fmt::format("configuration on trial for {} more, by {}{}; keep it: gatehouse config confirm",
                                     print_until(trial, "until", now), text(trial, "who"),
                                     text(trial, "why").empty() ? "" : ": " + text(trial, "why")),
                         style, 0, Tone::caution);
    }
    return out;
}

std::string show_listeners(const Json& status, const Style& style) {
    Table table({{"LISTENER"}, {"ADDRESS"}, {"MODE"}, {"POOL"}, {"SESSIONS", true}, {"ACCEPTED", true}});
    for (const Json& listener : items(status, "listeners")) {
        std::vector<Cell> routes;
        for (const Json& route : items(listener, "routes")) {
            routes.push_back(
                {fmt::format("{}{} to {}", text(route, "host"), text(route, "path"), text(route, "pool"))});
        }
        if (const auto why = text(listener, "why"); !why.empty()) {
            routes.push_back({why, field(listener, "present") == false ? Tone::bad : Tone::caution});
        }
        table.add({{text(listener, "name")},
                   {text(listener, "address")},
                   {text(listener, "mode")},
                   {text(listener, "pool")},
                   {print_count(listener, "sessions")},
                   {print_count(listener, "accepted")}},
                  std::move(routes));
    }
    return table.empty() ? "" : "\n" + table.render(style);
}

// What is special about the backend: "backup, at most 200 at once, weight 2"; empty for most.
// weighed: some server of the pool has another weight than 1, so that each is worth knowing.
std::string print_notes(const Json& backend, bool weighed) {
    std::string notes;
    if (field(backend, "backup") == true) {
        notes = "backup";
    }
    if (const auto limit = number(backend, "max_connections"); limit > 0) {
        notes += fmt::format("{}at most {} at once", notes.empty() ? "" : ", ", limit);
    }
    const Json& by_hand = field(backend, "weight_by_hand");
    if (const auto weight = number(backend, "weight"); weighed || by_hand.is_object()) {
        notes += fmt::format("{}weight {}", notes.empty() ? "" : ", ", weight);
    }
    if (by_hand.is_object()) {
        const auto why = text(by_hand, "why");
        notes += fmt::format(" by {}{}{}", text(by_hand, "who", "?"), why.empty() ? "" : ": ", why);
    }
    if (const Json& slots = field(backend, "slots"); slots.is_number()) {
        notes += fmt::format("{}{} of 256 slots", notes.empty() ? "" : ", ", slots.get<int>());
    }
    return notes;
}

std::string print_check(const Json& check) {
    const auto state = text(check, "state", "unknown");
    const Json& last = field(check, "last_ms");
    if (state == "unknown") {
        return "-";
    }
    return state == "up" && last.is_number() ? fmt::format("up {:.0f}ms", last.get<double>()) : state;
}

// "root: deploying 2.3, for another 28m", where the author is known; else the bare reason.
std::string print_reason(const std::string& who, const std::string& why, const std::string& left) {
    // A rollout names itself in what it says.
    std::string reason = why.starts_with(who + ":") ? std::string() : who;
    if (!why.empty()) {
        reason += (reason.empty() ? "" : ": ") + why;
    }
    if (left == "over") {
        reason += reason.empty() ? "its time is over" : ", its time is over";
    } else if (left != "-") {
        reason += (reason.empty() ? "for another " : ", for another ") + left;
    }
    return reason;
}

// The fence's owner; empty where there is none.
std::string owner_of(const Json& backend) {
    const std::string owner = print_owner(field(backend, "fence"));
    return owner.empty() ? text(backend, "by") : owner;
}

// "web1.example.org", with how long it has not resolved and why; empty for a server that is given by its address.
Cell name_of(const Json& backend, core::WallTime now) {
    const Json& name = field(backend, "name");
    const auto host = text(name, "host");
    const auto why = text(name, "why");
    if (why.empty()) {
        return {host};
    }
    const auto last = text(backend, "address").empty() ? "" : "; it stays at the address it had";
    if (field(name, "resolves") == false) {
        return {fmt::format("{} does not resolve for {}: {}{}", host, print_since(name, "since", now), why, last),
                Tone::bad};
    }
    return {fmt::format("{}: {}{}", host, why, last), Tone::bad};
}

std::vector<Cell> details_of(const Json& backend, const std::string& state, bool weighed, core::WallTime now) {
    std::vector<Cell> details;
    if (Cell name = name_of(backend, now); !name.text.empty()) {
        details.push_back(std::move(name));
    }
    if (const auto notes = print_notes(backend, weighed); !notes.empty()) {
        details.push_back({notes});
    }
    const auto why = text(backend, "why");
    const bool placed = !text(backend, "address").empty();
    if (state != "up" && (placed || text(field(backend, "name"), "why").empty())) {
        const auto reason = print_reason(owner_of(backend), why, print_until(backend, "until", now));
        if (!reason.empty()) {
            details.push_back({reason, tone_of_state(state)});
        }
    }
    // Why a fenced server fails its checks is what decides whether it may be opened.
    const Json& check = field(backend, "check");
    const auto check_why = text(check, "why");
    if (text(check, "state") == "down" && !check_why.empty() && check_why != why) {
        details.push_back({fmt::format("check: {} for {}", check_why, print_since(check, "since", now)), Tone::bad});
    }
    return details;
}

std::string show_backends(const Json& pool, core::WallTime now, const Style& style) {
    Table table(
        {{"SERVER"}, {"ADDRESS"}, {"STATE"}, {"FOR"}, {"CHECK"}, {"ACTIVE", true}, {"TOTAL", true}, {"FAILED", true}});
    const Json& backends = items(pool, "backends");
    const bool weighed = std::any_of(backends.begin(), backends.end(),
                                     [](const Json& backend) { return number(backend, "weight") > 1; });
    for (const Json& backend : backends) {
        const auto state = text(backend, "state", "unknown");
        const Json& check = field(backend, "check");
        const auto failed = number(backend, "failed");
        table.add({{text(backend, "server")},
                   {text(backend, "address", "-")},
                   {state, tone_of_state(state)},
                   {print_since(backend, "since", now)},
                   {print_check(check), text(check, "state") == "down" ? Tone::bad : Tone::plain},
                   {print_count(backend, "active")},
                   {print_count(backend, "total")},
                   {print_count(backend, "failed"), failed > 0 ? Tone::caution : Tone::plain}},
                  details_of(backend, state, weighed, now));
    }
    return table.empty() ? paragraph("no backends", style, 2) : table.render(style, 2);
}

// "queue: 3 of 1024 waiting, 250 have waited, 4 found it full, 1 waited too long"; empty where none ever waited or
// found it full.
std::string print_queue(const Json& queue) {
    if (number(queue, "waited") == 0 && number(queue, "overflow") == 0) {
        return "";
    }
    return fmt::format("queue: {} of {} waiting, {} have waited, {} found it full, {} waited too long",
                       number(queue, "waiting"), number(queue, "most"), print_count(number(queue, "waited")),
                       print_count(number(queue, "overflow")), print_count(number(queue, "expired")));
}

std::string show_pool(const Json& status, const Json& pool, core::WallTime now, const Style& style) {
    const auto state = text(pool, "state", "unknown");
    std::string out = "\n" + paragraph(fmt::format("POOL {}: {}, port {}, {}", text(pool, "name"), state,
                                                   number(pool, "port"), text(pool, "balance")),
                                       style, 0, state == "serving" ? Tone::title : tone_of_state(state));
    if (const Json& page = field(pool, "maintenance"); page.is_object()) {
        const auto reason = print_reason(text(page, "who"), text(page, "why"), print_until(page, "until", now));
        out += paragraph(fmt::format("maintenance page for {} by {}", print_since(page, "since", now), reason), style,
                         2, Tone::caution);
        if (const auto message = text(page, "message"); !message.empty()) {
            out += paragraph(fmt::format("message: {}", message), style, 2);
        }
    }
    if (const auto met = what_visitors_meet(status, pool); !met.empty()) {
        out += paragraph(met, style, 2, Tone::bad);
    }
    if (const auto queue = print_queue(field(pool, "queue")); !queue.empty()) {
        out += paragraph(queue, style, 2, Tone::caution);
    }
    if (const auto trouble = text(pool, "trouble"); !trouble.empty()) {
        out += paragraph(trouble, style, 2, Tone::bad);
    }
    return out + show_backends(pool, now, style);
}

std::string show_status(const Json& status, core::WallTime now, const Style& style) {
    std::string out = show_head(status, now, style) + show_listeners(status, style);
    const Json& pools = items(status, "pools");
    if (pools.empty()) {
        out += "\nno pools\n";
    }
    for (const Json& pool : pools) {
        out += show_pool(status, pool, now, style);
    }
    return out;
}

class StatusCommand : public Query {
public:
    using Query::Query;

    void declare(CLI::App& app, Common& common) override {
        add_pool(app, common, "Only this pool");
        app.footer("Example: gatehouse status app");
    }
    [[nodiscard]] Request request() const override { return get_request("/v1/status"); }
    [[nodiscard]] Outcome present(const Json& body, const Screen& screen) const override {
        const auto shown = keep_pool(body, common().pool);
        return shown ? Query::present(*shown, screen) : outcome_of_failure(shown.error());
    }
    [[nodiscard]] std::string show(const Json& body, const Screen& screen) const override {
        return show_status(body, screen.now, screen.style);
    }
};

}  // namespace

extern const Maker make_status = make<StatusCommand>;

}  // namespace appliance::cli
