#include "appliance/deploy/plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "appliance/config/values/nearest.hpp"
#include "appliance/deploy/visit/expectation.hpp"

namespace appliance::deploy {
namespace {

template <typename Items>
std::vector<std::string_view> names_of(const Items& items,
                                       std::string std::remove_cvref_t<decltype(*items.begin())>::*name) {
    std::vector<std::string_view> names;
    for (const auto& item : items) {
        names.push_back(item.*name);
    }
    return names;
}

Outcome<void> check_recipe(const config::Recipe& recipe) {
    if (recipe.pool.empty()) {
        return refuse(400, "no pool to deploy", "", "name it with --pool, or a recipe of [deploy.NAME]");
    }
    if (recipe.run.empty()) {
        return refuse(400, "no command to run", "", "give it with --run 'ssh {host} …'");
    }
    if (!config::parse_batch(recipe.batch)) {
        return refuse(400, fmt::format("bad batch '{}'", recipe.batch), "", "write 2 or 25%");
    }
    for (const std::string& path : {recipe.warm_path, recipe.verify_path}) {
        const auto plain = [](unsigned char c) { return c > ' ' && c < 0x7f; };
        if (!path.starts_with('/') || !std::all_of(path.begin(), path.end(), plain)) {
            return refuse(400, fmt::format("bad path '{}'", path), "", "begin with / and write no blanks");
        }
    }
    const auto printable = [](unsigned char c) { return c > ' ' && c < 0x7f; };
    if (!std::all_of(recipe.host.begin(), recipe.host.end(), printable)) {
        return refuse(400, fmt::format("bad host '{}'", recipe.host), "", "write a name, or name:port");
    }
    if (auto understood = check_expectations(recipe); !understood) {
        return tl::unexpected(Refused{400, std::move(understood.error())});
    }
    return {};
}

Outcome<std::vector<std::string>> find_servers(const config::Pool& pool, const config::Recipe& recipe) {
    const auto known = names_of(pool.backends, &config::Backend::server);
    if (recipe.servers.empty()) {
        return std::vector<std::string>(known.begin(), known.end());
    }
    std::vector<std::string> servers;
    for (const std::string& server : recipe.servers) {
        if (std::find(known.begin(), known.end(), server) == known.end()) {
            return refuse(404, fmt::format("pool '{}' has no server '{}'", pool.name, server), "",
                          config::suggest(server, known, "servers"));
        }
        if (std::find(servers.begin(), servers.end(), server) == servers.end()) {
            servers.push_back(server);
        }
    }
    return servers;
}

// Advice that leaves enough servers.
std::string mend_for(std::int64_t servers, std::int64_t away, std::int64_t min_healthy) {
    if (servers > min_healthy) {
        return fmt::format("give --batch {}, or use gatehouse deploy maintenance", servers - min_healthy);
    }
    if (servers > 1) {
        return fmt::format("give {}--min-healthy {}, or use gatehouse deploy maintenance", away > 1 ? "--batch 1 " : "",
                           servers - 1);
    }
    return "use gatehouse deploy maintenance";
}

Outcome<void> check_rolling(const config::Config& config, const config::Recipe& recipe, const config::Pool& pool,
                            std::size_t servers) {
    if (recipe.schema == config::Schema::breaking && config.database == config::Database::single_master) {
        return refuse(409, "cannot be rolling", "a breaking schema change on a database with a single master",
                      "use gatehouse deploy maintenance");
    }
    const std::size_t away = std::min(config::parse_batch(recipe.batch)->of(servers), servers);
    const auto left = static_cast<std::int64_t>(pool.backends.size() - away);
    if (left < recipe.min_healthy) {
        return refuse(409, fmt::format("cannot be rolling with batches of {}", away),
                      fmt::format("{} of {} servers would be left, min_healthy is {}", left, pool.backends.size(),
                                  recipe.min_healthy),
                      mend_for(static_cast<std::int64_t>(pool.backends.size()), static_cast<std::int64_t>(away),
                               recipe.min_healthy));
    }
    return {};
}

}  // namespace

Outcome<Rollout> plan(const config::Config& config, const Order& order) {
    if (auto sound = check_recipe(order.recipe); !sound) {
        return tl::unexpected(std::move(sound.error()));
    }
    const config::Pool* pool = config.pool(order.recipe.pool);
    if (pool == nullptr) {
        return refuse(404, fmt::format("no pool '{}'", order.recipe.pool), "",
                      config::suggest(order.recipe.pool, names_of(config.pools, &config::Pool::name), "pools"));
    }
    auto servers = find_servers(*pool, order.recipe);
    if (!servers) {
        return tl::unexpected(std::move(servers.error()));
    }
    for (const config::Backend& backend : pool->backends) {
        if (!backend.has_address() && std::find(servers->begin(), servers->end(), backend.server) != servers->end()) {
            return refuse(409, fmt::format("{} has no address yet", backend.server),
                          "its name has not been resolved, and no fence can stand there",
                          "gatehouse status says why; name the others with --servers");
        }
    }
    if (order.strategy == Strategy::rolling) {
        if (auto possible = check_rolling(config, order.recipe, *pool, servers->size()); !possible) {
            return tl::unexpected(std::move(possible.error()));
        }
    }
    const config::Maintenance& page = config.maintenance;
    if (order.strategy == Strategy::maintenance && order.recipe.preview && page.bypass.empty() &&
        page.bypass_cookie.empty() && page.bypass_header.empty()) {
        return refuse(409, "nobody could look before the page goes", "[maintenance] lets no tester through",
                      "give it bypass = [\"10.0.0.0/8\"], bypass_cookie or bypass_header, or leave --preview out");
    }
    Rollout rollout;
    rollout.strategy = order.strategy;
    rollout.recipe = order.recipe;
    rollout.steps = plan_steps(order.strategy, order.recipe, *servers,
                               {.waits = order.starts.has_value(), .guarded = order.overridden.empty()});
    rollout.who = order.words.who;
    rollout.why = order.words.why;
    rollout.overridden = order.overridden;
    rollout.created = core::base::wall_now();
    rollout.starts = order.starts;
    if (order.expires) {
        rollout.expires = rollout.starts.value_or(rollout.created) + *order.expires;
    }
    return rollout;
}

Rollout plan_rollback(const Rollout& undone, const Words& words, const std::string& command, bool rolling) {
    const bool given = command != undone.recipe.rollback;
    Rollout rollout;
    rollout.strategy = Strategy::rollback;
    rollout.recipe = undone.recipe;
    rollout.recipe.run = command;
    rollout.recipe.run_source = given ? "--run by " + words.who : undone.recipe.rollback_source;
    rollout.recipe.rollback.clear();
    rollout.recipe.rollback_source.clear();
    rollout.recipe.tolerate = 0;
    rollout.recipe.on_failure = config::OnFailure::pause;
    // The previous version's pages differ.
    rollout.recipe.expect_body = rollout.recipe.expect_regex = {};
    rollout.recipe.expect_json = rollout.recipe.expect_header = {};
    rollout.recipe.servers = touched_servers(undone);
    if (!rollout.recipe.servers.empty()) {
        rollout.steps = plan_steps(Strategy::rollback, rollout.recipe, rollout.recipe.servers,
                                   {.paged = undone.strategy == Strategy::maintenance, .rolling = rolling});
    }
    rollout.who = words.who;
    rollout.why = words.why;
    rollout.created = core::base::wall_now();
    rollout.undoes = undone.id;
    return rollout;
}

}  // namespace appliance::deploy
