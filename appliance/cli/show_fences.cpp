// Fences and the maintenance page: what an operator did, as the kernel and the control process know it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "appliance/cli/backends.hpp"
#include "appliance/cli/show.hpp"
#include "appliance/cli/table.hpp"
#include "appliance/cli/view.hpp"

namespace appliance::cli {
namespace {

std::string or_dash(const std::string& text) {
    return text.empty() ? "-" : text;
}

// What somebody else did to the table, and what became of it; empty where nobody did anything.
std::string print_drift(const Json& rules, core::WallTime now, const Style& style) {
    const Json& last = field(rules, "last_drift");
    if (!last.is_object()) {
        return {};
    }
    const auto pid = number(last, "pid");
    const auto culprit = text(last, "culprit", "an unknown program") + (pid > 0 ? fmt::format(" (pid {})", pid) : "");
    const auto error = text(last, "error");
    return paragraph(
        fmt::format("drift: {} by {}, {} ago; {}", text(last, "what", "not known"), culprit,
                    print_since(last, "time", now),
                    error.empty() ? "put right, " + print_number(number(rules, "repairs"), "repair") + " so far"
                                  : "NOT put right: " + error),
        style);
}

// The other table; empty where there is none and none is meant to be.
std::string print_firewall(const Json& rules, core::WallTime now, const Style& style) {
    const Json& firewall = field(rules, "firewall");
    const bool off = text(firewall, "state", "off") == "off" && field(firewall, "in_kernel") != true;
    return firewall.is_object() && !off ? show_firewall(firewall, now, style) : std::string();
}

// "web1 in app (10.0.0.11:80)", as far as it is known.
std::string print_fenced(const Json& fence) {
    const auto server = text(fence, "server", "unknown server");
    const auto pool = text(fence, "pool");
    return fmt::format("{}{} ({})", server, pool.empty() ? "" : " in " + pool, text(fence, "address", "?"));
}

}  // namespace

std::string show_rules(const Json& rules, core::WallTime now, const Style& style) {
    const Json& fences = items(rules, "fences");
    const auto name = text(rules, "table", "inet gatehouse");
    if (fences.empty()) {
        return paragraph(fmt::format("table {}: no fence in the kernel", name), style) +
               print_drift(rules, now, style) + print_firewall(rules, now, style);
    }
    Table table({{"SERVER"}, {"POOL"}, {"ADDRESS"}, {"MODE"}, {"HITS", true}, {"BY"}, {"FOR"}, {"LEFT"}});
    for (const Json& fence : fences) {
        std::vector<Cell> details;
        if (const auto why = text(fence, "why"); !why.empty()) {
            details.push_back({why});
        }
        const auto drift = text(fence, "drift");
        if (!drift.empty()) {
            details.push_back({"DRIFT: " + drift, Tone::bad});
        }
        if (const auto scope = text(fence, "scope", "new"); scope != "new") {
            details.push_back({"scope: " + scope});
        }
        table.add({{or_dash(text(fence, "server"))},
                   {or_dash(text(fence, "pool"))},
                   {text(fence, "address"), drift.empty() ? Tone::plain : Tone::bad},
                   {text(fence, "mode")},
                   {print_count(fence, "packets")},
                   {or_dash(print_owner(fence))},
                   {print_since(fence, "since", now)},
                   {print_until(fence, "until", now)}},
                  std::move(details));
    }
    const auto count = print_number(static_cast<std::int64_t>(fences.size()), "fence");
    return paragraph(fmt::format("table {}: {}", name, count), style) + print_drift(rules, now, style) +
           table.render(style) + print_firewall(rules, now, style);
}

std::string show_maintenance(const Json& maintenance, core::WallTime now, const Style& style) {
    Table table({{"POOL"}, {"STATE"}, {"PAGE"}, {"BY"}, {"FOR"}, {"LEFT"}});
    for (const Json& pool : items(maintenance, "pools")) {
        const Json& page = field(pool, "maintenance");
        const bool on = page.is_object();
        std::vector<Cell> details;
        if (const auto why = text(page, "why"); !why.empty()) {
            details.push_back({why});
        }
        if (const auto message = text(page, "message"); !message.empty()) {
            details.push_back({"message: " + message});
        }
        const auto met = what_visitors_meet(maintenance, pool);
        if (!met.empty()) {
            details.push_back({met, Tone::bad});
        }
        table.add({{text(pool, "name")},
                   {text(pool, "state", "-")},
                   {on ? "on" : "off", on ? Tone::caution : Tone::good},
                   {or_dash(text(page, "who"))},
                   {print_since(page, "since", now)},
                   {print_until(page, "until", now)}},
                  std::move(details));
    }
    return table.empty() ? "no pools\n" : table.render(style);
}

// What was asked for, where that is when it ends: the daemon's time is cut to seconds. A stricter one has its own.
std::string print_rest(const Json& fence, const Options& options, core::WallTime now) {
    const auto until = time(fence, "until");
    constexpr std::chrono::seconds blur{2};
    const bool asked = until && options.lasts && std::chrono::abs(*until - now - *options.lasts) < blur;
    return asked ? print_length(*options.lasts) : print_until(fence, "until", now);
}

std::string show_fenced(const Json& answer, const Options& options, core::WallTime now, const Style& style) {
    std::string out;
    for (const Json& fence : items(answer, "fences")) {
        const auto left = print_rest(fence, options, now);
        out += paragraph(fmt::format("fenced {}, mode {}{}", print_fenced(fence), text(fence, "mode", "?"),
                                     left == "-" ? "" : ", for " + left),
                         style);
    }
    if (out.empty()) {
        out = paragraph("nothing to fence: all of it is fenced already", style);
    }
    if (const Json& killed = field(answer, "killed"); killed.is_object()) {
        const auto sockets = number(killed, "sockets");
        const auto forwarded = number(killed, "forwarded");
        out += paragraph(fmt::format("ended {}{}", print_number(sockets, "connection"),
                                     forwarded > 0 ? " and " + print_number(forwarded, "forwarded flow") : ""),
                         style);
    }
    const Json& in_flight = field(answer, "in_flight");
    if (options.end == FenceEnd::drain && field(answer, "drained") == true) {
        out += "drained: nothing is in flight\n";
    } else if (in_flight.is_null() && answer.contains("in_flight")) {
        out += paragraph(print_in_flight(answer, "in_flight"), style);
    } else if (const auto count = number(answer, "in_flight"); count > 0) {
        out += paragraph(fmt::format("{} still in flight", print_number(count, "request")), style);
    }
    return out;
}

std::string show_unfenced(const Json& answer, const Options& options, const Style& style) {
    const auto lifted = number(answer, "lifted");
    std::string out = lifted == 0 ? "nothing was fenced" : "lifted " + print_number(lifted, "fence");
    if (options.wait && field(answer, "passed") == true) {
        out += "; the first check has passed";
    } else if (lifted > 0 && !options.wait) {
        out += "; open after the next passed check";
    }
    return paragraph(out, style);
}

// What the pool's servers weighed: nothing where it is not known.
std::vector<std::pair<std::string, std::int64_t>> weights_in(const Json& status, const std::string& pool) {
    std::vector<std::pair<std::string, std::int64_t>> weights;
    for (const Json& one : items(status, "pools")) {
        for (const Json& backend : items(one, "backends")) {
            if (text(one, "name") == pool && field(backend, "weight").is_number()) {
                weights.emplace_back(text(backend, "server"), number(backend, "weight"));
            }
        }
    }
    return weights;
}

// "; it was 1 before: nothing changes. Beside it: web1 1, web2 1"; empty where something changes.
std::string print_unchanged(const Json& weight, const Json& before) {
    if (field(weight, "by_hand") != true) {
        return {};  // back to the configuration's
    }
    std::vector<std::string> others;
    bool same = false;
    for (const auto& [server, weighed] : weights_in(before, text(weight, "pool"))) {
        if (server == text(weight, "server")) {
            same = weighed == number(weight, "weight");
        } else {
            others.push_back(fmt::format("{} {}", server, weighed));
        }
    }
    if (!same) {
        return {};
    }
    return fmt::format("; that is what it was, so nothing changes{}",
                       others.empty() ? "" : fmt::format(". Beside it: {}", fmt::join(others, ", ")));
}

std::string show_weights(const Json& answer, const Json& before, const Style& style) {
    std::string out;
    for (const Json& weight : items(answer, "weights")) {
        out += paragraph(fmt::format("{} in {}: weight {}, {}{}", text(weight, "server"), text(weight, "pool"),
                                     number(weight, "weight"),
                                     field(weight, "by_hand") == true ? "until it is reset" : "as configured",
                                     print_unchanged(weight, before)),
                         style);
    }
    return out;
}

}  // namespace appliance::cli
