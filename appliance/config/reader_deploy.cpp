// [deploy.NAME] and [site]: recipes for deploys, and what rules out some of them.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "appliance/config/header.hpp"
#include "appliance/config/nearest.hpp"
#include "appliance/config/placeholder.hpp"
#include "appliance/config/reader.hpp"
#include "appliance/config/words.hpp"

namespace appliance::config {
namespace {

// each_field's visitor that fills a recipe from its table.
class FromFile {
public:
    explicit FromFile(Section& section) : section_(section) {}

    void text(const char* key, std::string& value, const char* /*help*/) { value = section_.text(key, value); }
    void command(const char* key, std::string& value, const char* help) {
        text(key, value, help);
        if (const auto checked = check_placeholders(value); !checked) {
            section_.complain(key, checked.error().what, checked.error().mend);
        }
    }
    void list(const char* key, std::vector<std::string>& value, const char* /*help*/) {
        const Entry* found = section_.find(key);
        if (found == nullptr) {
            return;
        }
        const auto& nodes = found->value.list;
        if (found->value.kind != Kind::list ||
            !std::all_of(nodes.begin(), nodes.end(), [](const Node& node) { return node.kind == Kind::text; })) {
            section_.complain(key, fmt::format("'{}' is no list of names", key), R"(write ["web1", "web2"])");
            return;
        }
        std::transform(nodes.begin(), nodes.end(), std::back_inserter(value),
                       [](const Node& node) { return node.text; });
    }
    void headers(const char* key, std::vector<std::string>& value, const char* /*help*/) {
        value = read_headers(section_, key, "verify_host");
    }
    void number(const char* key, std::int64_t& value, std::int64_t min, std::int64_t max, const char* /*help*/) {
        value = section_.number(key, value, min, max);
    }
    void duration(const char* key, core::Milliseconds& value, core::Milliseconds min, core::Milliseconds max,
                  const char* /*help*/) {
        value = section_.duration(key, value, min, max);
    }
    void statuses(const char* key, core::http::StatusSet& value, const char* /*help*/) {
        value = section_.statuses(key, value);
    }
    void flag(const char* key, bool& value, const char* /*help*/) { value = section_.flag(key, value); }
    template <typename Enum, std::size_t size>
    void choice(const char* key, Enum& value, const Word<Enum> (&words)[size], const char* /*help*/) {
        std::vector<std::pair<std::string_view, Enum>> pairs;
        for (const Word<Enum>& word : words) {
            pairs.emplace_back(word.name, word.value);
        }
        value = section_.choice(key, value, pairs);
    }

private:
    Section& section_;
};

}  // namespace

void Reader::read_recipe(const std::string& name, Section& section) {
    Recipe recipe;
    recipe.name = name;
    recipe.run_source = recipe.rollback_source = fmt::format("[deploy.{}]", name);
    each_field(recipe, FromFile(section));
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
