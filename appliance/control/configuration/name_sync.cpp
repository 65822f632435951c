#include "appliance/control/configuration/name_sync.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "appliance/config/model/resolve.hpp"
#include "appliance/control/state/resolved_names.hpp"

namespace appliance::control {
namespace {

using Json = nlohmann::ordered_json;

// How long the first configuration waits for the first answers; how soon answers that were not taken are tried again.
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

// At the start, before any look-up has ended: until one has, what the process before this one knew counts.
config::Config NameSync::with_known_addresses(config::Config config) {
    if (!any_named(config)) {
        return config;
    }
    shared_.names.follow(config);
    if (auto known = load_names(config.control.state, config)) {
        shared_.names.recall(*known);
    } else {
        shared_.log("name", {{"error", known.error().line()}});
    }
    config::resolve(config, shared_.names.answers_for(config), config);
    return config;
}

bool NameSync::settled(Clock::time_point now) const {
    return now >= shared_.started + first_answers || (shared_.names.settled() && shared_.names.revision() == taken_);
}

// The main loop does not wait for an order; see StateUpkeep.
void NameSync::tick(Clock::time_point now) {
    for (const Names::News& news : shared_.names.take_news()) {
        const auto since = news.standing.failing_since;
        shared_.log("name", {{"server", news.server},
                             {"name", news.standing.name},
                             {"resolves", !since.has_value()},
                             {"error", since ? Json(news.standing.error) : Json()}});
    }
    const std::uint64_t revision = shared_.names.revision();
    if ((revision == taken_ && !shared_.names_moved) || now < again_at_) {
        return;
    }
    const std::unique_lock lock(shared_.changing, std::try_to_lock);
    if (!lock || !shared_.proxy_known) {
        return;
    }
    shared_.names_moved = false;
    const auto before = shared_.wanted().config;
    config::Config wanted = *before;
    auto unfit = config::resolve(wanted, shared_.names.answers_for(wanted), *before);
    note_unfit(std::move(unfit));
    if (!(wanted == *before)) {
        if (const auto taken = reloader_.take_config(wanted); !taken) {
            if (!std::exchange(refused_, true)) {
                shared_.log("name", {{"error", taken.error().error.line()}});
            }
            again_at_ = Clock::now() + take_again;
            shared_.names_moved = true;
            return;
        }
        tell_moved(*before, wanted);
    }
    refused_ = false;
    taken_ = revision;
    keep_addresses(wanted);
}

void NameSync::note_unfit(std::map<std::string, std::string> unfit) {
    const auto config = shared_.wanted().config;
    for (const auto& [server, why] : unfit) {
        const auto known = unfit_.find(server);
        if (known == unfit_.end() || known->second != why) {
            const config::Server* const named = config->server(server);
            shared_.log("name", {{"server", server},
                                 {"name", named == nullptr ? Json() : Json(named->dns_name)},
                                 {"resolves", true},
                                 {"error", why}});
        }
    }
    const std::lock_guard lock(mutex_);
    unfit_ = std::move(unfit);
}

void NameSync::tell_moved(const config::Config& before, const config::Config& after) {
    for (const config::Server& server : after.servers) {
        const config::Server* const old = before.server(server.name);
        if (!server.dns_name.empty() && (old == nullptr || old->host != server.host)) {
            shared_.log("name", {{"server", server.name},
                                 {"name", server.dns_name},
                                 {"resolves", true},
                                 {"address", host_of(server.host)},
                                 {"before", old == nullptr ? Json() : host_of(old->host)}});
        }
    }
}

// What was not kept is tried again with the next change.
void NameSync::keep_addresses(const config::Config& config) {
    std::vector<config::Server> placed;
    std::copy_if(config.servers.begin(), config.servers.end(), std::back_inserter(placed),
                 [](const auto& server) { return !server.dns_name.empty() && server.host != core::Address(); });
    if (placed == kept_) {
        return;
    }
    if (const auto kept = save_names(config.control.state, placed); !kept) {
        shared_.log("name", {{"error", kept.error().line()}});
        return;
    }
    kept_ = std::move(placed);
}

// Each backend's name with how it resolves; why a server without an address has none.
void NameSync::show(Json& view) const {
    const auto standings = shared_.names.standings();
    std::map<std::string, std::string> unfit;
    {
        const std::lock_guard lock(mutex_);
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
