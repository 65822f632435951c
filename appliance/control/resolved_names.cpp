#include "appliance/control/resolved_names.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "appliance/base/bounded_json.hpp"
#include "appliance/state/database.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

// In a table of its own in gatehouse.db, as the configuration's trial is. A look makes none: the folder may be
// read-only.
core::Result<std::optional<std::string>> read_names(state::Database&& database) {
    const auto text_of = [&database](const char* query) -> core::Result<std::optional<std::string>> {
        auto row = database.prepare(query);
        const auto found = row ? row->step() : tl::unexpected(row.error());
        if (!found) {
            return tl::unexpected(found.error());
        }
        return *found ? std::optional(row->text(0)) : std::nullopt;
    };
    auto table = text_of("SELECT name FROM sqlite_master WHERE name = 'resolved_names'");
    return table && *table ? text_of("SELECT names FROM resolved_names") : table;
}

// Throws json::exception for what save_names() never made.
config::Answers understand(const json& stored, const config::Config& config) {
    config::Answers answers;
    for (const json& each : stored.get_ref<const json::array_t&>()) {
        const config::Server* const server = config.server(each.at("server").get<std::string>());
        const auto address = core::Address::parse_host(each.at("address").get<std::string>(), 0);
        if (server != nullptr && !server->dns_name.empty() && server->dns_name == each.at("name") && address) {
            answers[server->name] = {*address};
        }
    }
    return answers;
}

}  // namespace

core::Result<config::Answers> load_names(const std::filesystem::path& folder, const config::Config& config) {
    auto row = state::Database::open(folder / "gatehouse.db").and_then(read_names);
    if (!row) {
        return tl::unexpected(std::move(row.error()));
    }
    if (!*row) {
        return config::Answers();
    }
    try {
        return understand(base::parse_json(**row, base::wide_bounds), config);
    } catch (const json::exception& error) {
        return core::fail("cannot read what names resolved to", error.what(), "they are looked up anew");
    }
}

core::Result<void> save_names(const std::filesystem::path& folder, const std::vector<config::Server>& servers) {
    json names = json::array();
    for (const config::Server& server : servers) {
        names.push_back({{"server", server.name}, {"name", server.dns_name}, {"address", server.host.host()}});
    }
    auto database = state::Database::open(folder / "gatehouse.db");
    if (!database) {
        return tl::unexpected(std::move(database.error()));
    }
    auto made = database->execute(
        "CREATE TABLE IF NOT EXISTS resolved_names(id INTEGER PRIMARY KEY CHECK(id=1), names TEXT NOT NULL) STRICT");
    if (!made) {
        return made;
    }
    auto insert = database->prepare("INSERT OR REPLACE INTO resolved_names VALUES(1, ?)");
    if (!insert) {
        return tl::unexpected(std::move(insert.error()));
    }
    return insert->bind(1, names.dump()).step().map([](bool) {});
}

}  // namespace appliance::control
