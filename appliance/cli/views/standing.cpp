#include "appliance/cli/views/standing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "appliance/cli/views/backends.hpp"
#include "appliance/cli/views/rollout_end.hpp"

namespace appliance::cli {
namespace {

// One server over all its pools that are meant.
struct Seen {
    std::vector<std::string> addresses;
    std::vector<std::string> counts;  // "app 2"
    std::int64_t in_flight = 0;
    bool known = true;   // in_flight
    bool fenced = true;  // in all of them
    std::vector<std::string> fenced_in;
    bool up = true;
    std::string why;  // of a check that has not passed
};

std::map<std::string, Seen> seen_by_server(const Json& status, const Common& common) {
    std::map<std::string, Seen> servers;
    for (const NamedBackend& backend : named_backends(status, common.servers, common.pool)) {
        Seen& seen = servers[backend.server];
        const Json& check = field(*backend.view, "check");
        const Json& active = field(*backend.view, "active");
        seen.addresses.push_back(backend.address);
        seen.counts.push_back(fmt::format("{} {}", backend.pool, print_count(*backend.view, "active")));
        seen.known = seen.known && active.is_number();
        seen.in_flight += number(*backend.view, "active");
        if (text(*backend.view, "state") == "fenced") {
            seen.fenced_in.push_back(backend.pool);
        } else {
            seen.fenced = false;
        }
        if (text(check, "state") != "up") {
            seen.up = false;
            seen.why = text(check, "why", "no check yet");
        }
    }
    return servers;
}

std::string in_flight_of(const Seen& seen) {
    if (!seen.known) {
        return "how many requests are in flight is not known: the proxy does not answer";
    }
    return print_number(seen.in_flight, "request") + " in flight" +
           (seen.counts.size() > 1 && seen.in_flight > 0 ? fmt::format(" ({})", fmt::join(seen.counts, ", ")) : "");
}

// "fenced", "fenced in app", where other pools are meant too, or "not fenced".
std::string fenced_where(const Seen& seen) {
    return seen.fenced              ? "fenced"
           : seen.fenced_in.empty() ? "not fenced"
                                    : fmt::format("fenced in {}", fmt::join(seen.fenced_in, ", "));
}

// Every address has a rule that is as the daemon wants it.
bool in_kernel(const Json& rules, const std::vector<std::string>& addresses) {
    const Json& fences = items(rules, "fences");
    return std::all_of(addresses.begin(), addresses.end(), [&fences](const std::string& address) {
        return std::any_of(fences.begin(), fences.end(), [&address](const Json& fence) {
            return text(fence, "address") == address && text(fence, "drift").empty();
        });
    });
}

std::string joined(const std::vector<std::string>& parts) {
    return parts.empty() ? std::string() : fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

std::vector<Telling> tell_not_known() {
    return {{"daemon", "what stands is not known: the daemon does not answer within a second; waiting on"}};
}

std::vector<Telling> tell_fence(const Json& status, const Json& rules, const Common& common) {
    std::vector<Telling> tellings;
    for (const auto& [server, seen] : seen_by_server(status, common)) {
        if (!seen.fenced) {
            tellings.push_back({server + " rule", fmt::format("{}: {}", server, fenced_where(seen))});
        } else if (in_kernel(rules, seen.addresses)) {
            tellings.push_back({server + " rule", server + ": fenced, the rule is in the kernel"});
        } else {
            tellings.push_back({server + " rule", server + ": being fenced"});
        }
        tellings.push_back({server, server + ": " + in_flight_of(seen)});
    }
    return tellings;
}

std::vector<Telling> tell_unfence(const Json& status, const Common& common) {
    std::vector<Telling> tellings;
    for (const auto& [server, seen] : seen_by_server(status, common)) {
        const bool fenced = !seen.fenced_in.empty();
        tellings.push_back({server, fenced    ? fmt::format("{}: still {}", server, fenced_where(seen))
                                    : seen.up ? server + ": unfenced, its check has passed"
                                              : server + ": unfenced, waits for a passed check: " + seen.why});
    }
    return tellings;
}

std::vector<Telling> tell_rollout(const Json& rollout) {
    std::vector<Telling> tellings;
    for (const Json& step : items(rollout, "steps")) {
        if (text(step, "progress") == "running") {
            std::string servers;
            for (const Json& server : items(step, "servers")) {
                servers += (servers.empty() ? " " : ", ") + (server.is_string() ? server.get<std::string>() : "");
            }
            const std::string evidence = seen_of(step);
            tellings.push_back(
                {std::to_string(number(step, "id")), fmt::format("waits for {}{}{}", text(step, "kind"), servers,
                                                                 evidence.empty() ? "" : " (" + evidence + ")")});
        }
    }
    return tellings;
}

bool waits_for_servers(const Json& rollout) {
    const Json& steps = items(rollout, "steps");
    return std::any_of(steps.begin(), steps.end(), [](const Json& step) {
        return text(step, "progress") == "running" && (text(step, "kind") == "fence" || text(step, "kind") == "open");
    });
}

std::vector<Telling> tell_waiting(const Json& rollout, const Json& status) {
    std::vector<Telling> tellings;
    for (const Json& step : items(rollout, "steps")) {
        if (text(step, "progress") != "running") {
            continue;
        }
        Common common;
        common.pool = text(rollout, "pool");
        for (const Json& server : items(step, "servers")) {
            common.servers.push_back(server.is_string() ? server.get<std::string>() : std::string());
        }
        if (text(step, "kind") == "fence") {
            for (const auto& [server, seen] : seen_by_server(status, common)) {
                tellings.push_back({server, server + ": " + in_flight_of(seen)});
            }
        } else if (text(step, "kind") == "open") {
            const auto opened = tell_unfence(status, common);
            tellings.insert(tellings.end(), opened.begin(), opened.end());
        }
    }
    return tellings;
}

std::string fence_stands(const Json& status, const Common& common) {
    std::vector<std::string> parts;
    std::string fenced;
    for (const auto& [server, seen] : seen_by_server(status, common)) {
        const bool stays = !seen.fenced_in.empty();
        parts.push_back(stays ? fmt::format("{} stays {}, {}", server, fenced_where(seen), in_flight_of(seen))
                              : server + " is not fenced");
        fenced += stays ? " " + server : "";
    }
    if (parts.empty()) {
        return "no such server is known; see gatehouse status";
    }
    return joined(parts) + (fenced.empty() ? ". See gatehouse status"
                                           : ". Repeat the command to wait longer, or: gatehouse unfence" + fenced);
}

std::string unfence_stands(const Json& status, const Common& common) {
    std::vector<std::string> parts;
    for (const auto& [server, seen] : seen_by_server(status, common)) {
        const bool fenced = !seen.fenced_in.empty();
        parts.push_back(fenced    ? fmt::format("{} stays {}", server, fenced_where(seen))
                        : seen.up ? server + " is not fenced, its check has passed"
                                  : fmt::format("{} is not fenced, its check has not passed: {}", server, seen.why));
    }
    return (parts.empty() ? "no such server is known" : joined(parts)) + ". See gatehouse status";
}

std::string page_stands(const Json& status, const Common& common) {
    std::vector<std::string> parts;
    for (const Json& pool : items(status, "pools")) {
        const std::string name = text(pool, "name");
        if (!common.pool || *common.pool == name) {
            parts.push_back(name +
                            (field(pool, "maintenance").is_object() ? " shows the page" : " does not show the page"));
        }
    }
    return (parts.empty() ? "no such pool is known" : joined(parts)) + ". See gatehouse maintenance status";
}

std::string upgrade_stands(const Json& status) {
    const Json& upgrade = field(status, "upgrade");
    return fmt::format("version {} answers{}. See gatehouse status --json", text(status, "version", "?"),
                       upgrade.is_object()
                           ? fmt::format("; the upgrade from {} to {} is {}", text(upgrade, "from", "?"),
                                         text(upgrade, "to", "?"), text(upgrade, "state", "?"))
                           : std::string("; no upgrade is under way"));
}

std::string rollout_stands(const Json& rollout) {
    std::vector<std::string> held;
    for (const Json& server : items(rollout, "held")) {
        held.push_back(server.is_string() ? server.get<std::string>() : std::string());
    }
    return fmt::format("rollout {} is {}{}. See gatehouse deploy status", number(rollout, "id"),
                       text(rollout, "state", "?"),
                       held.empty() ? "" : fmt::format(", fenced: {}", fmt::join(held, ", ")));
}

}  // namespace appliance::cli
