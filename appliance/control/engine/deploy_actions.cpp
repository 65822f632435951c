#include "appliance/control/engine/deploy_actions.hpp"

#include <sys/socket.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/base/bounded_json.hpp"
#include "appliance/control/observe/visitors.hpp"
#include "appliance/guard/guard.hpp"

namespace appliance::control {
namespace {

using Json = Control::Json;

template <typename T>
core::Result<void> done(const Outcome<T>& outcome) {
    return outcome ? core::Result<void>() : tl::unexpected(outcome.error().error);
}

std::optional<std::int64_t> owner_of(const deploy::Words& words) {
    return words.rollout == 0 ? std::nullopt : std::optional(words.rollout);
}

// counted: no proxy from before an upgrade still drains, so the report has every exchange.
deploy::Standing standing_of(const Json& backend, bool paged, bool counted) {
    deploy::Standing standing;
    standing.server = backend["server"];
    const Json& check = backend["check"];
    if (check["state"] != "unknown") {
        standing.up = check["state"] == "up";
    }
    standing.eligible = backend["state"] == "up" && !paged;
    if (counted && backend["active"].is_number_unsigned()) {
        standing.in_flight = backend["active"].get<std::uint64_t>();
    }
    standing.why = check["why"].is_string() ? check["why"].get<std::string>() : "";
    const Json& fence = backend["fence"];
    if (fence.is_object()) {
        standing.fence = fence["why"].get<std::string>();
        standing.fence =
            "by " + fence["who"].get<std::string>() + (standing.fence.empty() ? "" : ": ") + standing.fence;
        if (fence["owner"]["kind"] == "rollout") {
            standing.owner = fence["owner"]["rollout"].get<std::int64_t>();
        }
    }
    return standing;
}

}  // namespace

std::shared_ptr<const config::Config> DeployActions::config() {
    return control_.config();
}

bool DeployActions::ready() {
    const Json status = control_.status();
    return status["proxy"]["state"] == "running" && status["fence_helper"]["state"] == "running" &&
           control_.knows_fences();
}

core::Result<void> DeployActions::fence(const std::string& pool, const std::vector<std::string>& servers, bool kill,
                                        const deploy::Words& words) {
    FenceOrder order;
    order.servers = servers;
    order.pool = pool;
    order.kill = kill;
    order.who = words.who;
    order.why = words.why;
    order.rollout = owner_of(words);
    return done(control_.fence(order));
}

core::Result<void> DeployActions::unfence(const std::string& pool, const std::vector<std::string>& servers,
                                          const deploy::Words& words) {
    return done(control_.unfence({servers, pool, std::nullopt, false, owner_of(words), words.who, words.why}));
}

core::Result<void> DeployActions::holds(std::int64_t rollout, const std::string& pool,
                                        const std::vector<std::string>& servers) {
    return done(control_.holds(rollout, pool, servers));
}

core::Result<void> DeployActions::begin_command(std::int64_t rollout, const std::string& pool,
                                                const std::string& server) {
    return done(control_.begin_command(rollout, pool, server));
}

void DeployActions::end_command(const std::string& pool, const std::string& server) {
    control_.end_command(pool, server);
}

core::Result<void> DeployActions::page(const std::string& pool, bool on, const std::string& message,
                                       const deploy::Words& words) {
    return done(control_.set_maintenance({on, pool, message, std::nullopt, words.who, words.why}));
}

std::vector<deploy::Standing> DeployActions::standings(const std::string& pool) {
    std::vector<deploy::Standing> all;
    const Json status = control_.status();
    const bool counted = control_.old_proxies() == 0;
    for (const Json& shown : status["pools"]) {
        if (shown["name"] != pool) {
            continue;
        }
        for (const Json& backend : shown["backends"]) {
            all.push_back(standing_of(backend, shown["state"] == "maintenance", counted));
        }
    }
    return all;
}

core::Result<core::base::Descriptor> DeployActions::socket(int family) {
    auto sockets = supervisor_.open_probe_sockets(family == AF_INET6 ? "v6" : "v4", 1);
    if (!sockets) {
        return tl::unexpected(std::move(sockets.error()));
    }
    if (sockets->empty()) {
        return core::fail("no socket that passes the fences", "the supervisor gave none");
    }
    return std::move(sockets->front());
}

core::Result<std::string> DeployActions::guards(core::WallTime at, core::Milliseconds length) {
    const auto opinions = guard::ask(control_.config()->guards, at, length);
    std::string summary = guard::summary(opinions);
    return guard::agree(opinions) ? core::Result<std::string>(std::move(summary)) : core::fail(std::move(summary));
}

std::string DeployActions::visitors(const std::string& pool) {
    const nlohmann::json seen = control_.visitors(pool);
    return seen.is_null() ? std::string() : seen.dump();
}

Json DeployActions::visitors_between(const std::string& before, const std::string& after) {
    const auto first = base::parse_json(before, base::wide_bounds);
    const auto last = base::parse_json(after, base::wide_bounds);
    // Another proxy counts from nothing.
    if (!first.is_object() || !last.is_object() || first.value("proxy", 0) != last.value("proxy", 0)) {
        return nullptr;
    }
    return view_visitors(first.value("visitors", nlohmann::json()), last.value("visitors", nlohmann::json()));
}

void DeployActions::event(std::string_view kind, const Json& fields) {
    control_.log(kind, fields);
}

}  // namespace appliance::control
