// [deploy.NAME] and [site]: recipes for deploys, and what rules out some of them.
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "appliance/config/file/from_file.hpp"
#include "appliance/config/file/reader.hpp"
#include "appliance/config/model/words.hpp"
#include "appliance/config/values/nearest.hpp"

namespace appliance::config {
void Reader::read_recipe(const std::string& name, Section& section) {
    Recipe recipe;
    recipe.name = name;
    recipe.run_source = recipe.rollback_source = fmt::format("[deploy.{}]", name);
    each_field(recipe, FromFile(section, "verify_host"));
    const Pool* pool = config_.pool(recipe.pool);
    if (recipe.pool.empty()) {
        section.miss("pool", R"(pool = "app")");
    } else if (pool == nullptr) {
        std::vector<std::string_view> names;
        std::transform(config_.pools.begin(), config_.pools.end(), std::back_inserter(names),
                       [](const Pool& known) { return std::string_view(known.name); });
        section.complain("pool", fmt::format("no pool '{}'", recipe.pool), suggest(recipe.pool, names, "pools"));
    }
    for (const std::string& server : recipe.servers) {
        if (pool != nullptr && std::none_of(pool->backends.begin(), pool->backends.end(),
                                            [&](const Backend& backend) { return backend.server == server; })) {
            section.complain("servers", fmt::format("pool '{}' has no server '{}'", pool->name, server),
                             "name servers of the pool");
        }
    }
    if (!parse_batch(recipe.batch)) {
        section.complain("batch", fmt::format("'{}' is no batch", recipe.batch), R"(write "2" or "25%")");
    }
    config_.recipes.push_back(std::move(recipe));
}

void Reader::read_site() {
    Section section = this->section("site");
    config_.database = section.choice("database", config_.database, database_words);
    section.close();
}

}  // namespace appliance::config
