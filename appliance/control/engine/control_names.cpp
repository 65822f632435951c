// Servers that are given by names: what a name resolves to now counts as a reload that says so would.
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/base/lookups.hpp"
#include "appliance/control/engine/control.hpp"
#include "appliance/control/state/resolved_names.hpp"

namespace appliance::control {
namespace {

using Json = Control::Json;

// How long the first configuration waits for the first answers, and how soon what could not be taken is tried again.
constexpr std::chrono::milliseconds first_answers{2'000};
constexpr core::Milliseconds take_again{1'000};

Json host_of(const core::Address& host) {
    return host == core::Address() ? Json() : Json(host.host());
}

bool any_named(const config::Config& config) {
    return std::any_of(config.servers.begin(), config.servers.end(),
                       [](const config::Server& server) { return !server.dns_name.empty(); });
}

}  // namespace

core::Result<std::vector<core::Address>> look_up_name(const std::string& name, Names::Clock::time_point deadline) {
    constexpr unsigned at_once = 16;
    constexpr std::size_t answers = 64;
    static auto* const all = new base::Lookups(at_once, answers);  // outlives the threads that ask, so never ended
    return all->look_up(name, 0, deadline);
}

// At the start, before any look-up has ended: until one has, what the process before this one knew counts.
config::Config Control::with_known_addresses(config::Config config) {
    if (!any_named(config)) {
        return config;
    }
    names_.follow(config);
    if (auto known = load_names(config.control.state, config)) {
        names_.recall(*known);
    } else {
        log("name", {{"error", known.error().line()}});
    }
    config::resolve(config, names_.answers_for(config), config);
    return config;
}

// Of a configuration that is about to count. What the answers hold that does not fit is told when it does.
void Control::give_addresses(config::Config& wanted) const {
    config::resolve(wanted, names_.answers_for(wanted), *state().config);
}

bool Control::names_settled(Clock::time_point now) const {
    return now >= started_ + first_answers || (names_.settled() && names_.revision() == names_taken_);
}

// The main loop does not wait for an order; see expire().
void Control::keep_names(Clock::time_point now) {
    for (const Names::News& news : names_.take_news()) {
        const auto since = news.standing.failing_since;
        log("name", {{"server", news.server},
                     {"name", news.standing.name},
                     {"resolves", !since.has_value()},
                     {"error", since ? Json(news.standing.error) : Json()}});
    }
    const std::uint64_t revision = names_.revision();
    if ((revision == names_taken_ && !names_moved_) || now < names_at_) {
        return;
    }
    const std::unique_lock lock(changing_, std::try_to_lock);
    if (!lock || !proxy_known_) {
        return;
    }
    names_moved_ = false;
    const auto before = state().config;
    config::Config wanted = *before;
    auto unfit = config::resolve(wanted, names_.answers_for(wanted), *before);
    note_unfit(std::move(unfit));
    if (!(wanted == *before)) {
        if (const auto taken = take_config(wanted); !taken) {
            if (!std::exchange(names_refused_, true)) {
                log("name", {{"error", taken.error().error.line()}});
            }
            names_at_ = Clock::now() + take_again;
            names_moved_ = true;
            return;
        }
        tell_moved(*before, wanted);
    }
    names_refused_ = false;
    names_taken_ = revision;
    keep_addresses(wanted);
}

void Control::note_unfit(std::map<std::string, std::string> unfit) {
    const auto config = state().config;
    for (const auto& [server, why] : unfit) {
        const auto known = unfit_.find(server);
        if (known == unfit_.end() || known->second != why) {
            const config::Server* const named = config->server(server);
            log("name", {{"server", server},
                         {"name", named == nullptr ? Json() : Json(named->dns_name)},
                         {"resolves", true},
                         {"error", why}});
        }
    }
    const std::lock_guard lock(state_mutex_);
    unfit_ = std::move(unfit);
}

void Control::tell_moved(const config::Config& before, const config::Config& after) {
    for (const config::Server& server : after.servers) {
        const config::Server* const old = before.server(server.name);
        if (!server.dns_name.empty() && (old == nullptr || old->host != server.host)) {
            log("name", {{"server", server.name},
                         {"name", server.dns_name},
                         {"resolves", true},
                         {"address", host_of(server.host)},
                         {"before", old == nullptr ? Json() : host_of(old->host)}});
        }
    }
}

// What was not kept is tried again with the next change.
void Control::keep_addresses(const config::Config& config) {
    std::vector<config::Server> placed;
    std::copy_if(config.servers.begin(), config.servers.end(), std::back_inserter(placed),
                 [](const auto& server) { return !server.dns_name.empty() && server.host != core::Address(); });
    if (placed == names_kept_) {
        return;
    }
    if (const auto kept = save_names(config.control.state, placed); !kept) {
        log("name", {{"error", kept.error().line()}});
        return;
    }
    names_kept_ = std::move(placed);
}

// Each backend's name with how it resolves; why a server without an address has none.
void Control::show_names(Json& view) const {
    const auto standings = names_.standings();
    std::map<std::string, std::string> unfit;
    {
        const std::lock_guard lock(state_mutex_);
        unfit = unfit_;
    }
    for (Json& pool : view["pools"]) {
        for (Json& backend : pool["backends"]) {
            const std::string server = backend["server"];
            const auto found = standings.find(server);
            if (found == standings.end()) {
                backend["name"] = nullptr;
                continue;
            }
            const Names::Standing& standing = found->second;
            const auto refused = unfit.find(server);
            const std::string why = refused != unfit.end() && standing.error.empty() ? refused->second : standing.error;
            backend["name"] = {
                {"host", standing.name},
                {"resolves", standing.asked ? Json(standing.error.empty()) : Json()},
                {"why", why.empty() ? Json() : Json(why)},
                {"since", standing.failing_since ? Json(core::base::print_time(*standing.failing_since)) : Json()}};
            if (backend["address"].is_null() && backend["state"] == "unknown") {
                backend["why"] = standing.name + (why.empty() ? " is being looked up" : ": " + why);
                backend["since"] = backend["name"]["since"];
            }
        }
    }
}

}  // namespace appliance::control
