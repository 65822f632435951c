#include "appliance/control/configuration_trial.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/base/bounded_json.hpp"
#include "appliance/state/database.hpp"

#include "core/base/clock.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

core::WallTime wall_in(const json& from, const char* name) {
    return core::WallTime(core::Milliseconds(from.at(name).get<std::int64_t>()));
}

core::Milliseconds span_in(const json& from, const char* name) {
    return core::Milliseconds(from.at(name).get<std::int64_t>());
}

json write_trial(const ConfigurationTrial& trial) {
    return {{"before", trial.before},
            {"who", trial.who},
            {"why", trial.why},
            {"since_ms", trial.since.time_since_epoch().count()},
            {"until_ms", trial.until.time_since_epoch().count()},
            {"began_ms", trial.began.count()},
            {"ends_ms", trial.ends.count()},
            {"served", trial.served}};
}

// Throws json::exception for what write_trial() never made.
ConfigurationTrial read_stored(const json& from) {
    return {from.at("before"),
            from.at("who"),
            from.at("why"),
            wall_in(from, "since_ms"),
            wall_in(from, "until_ms"),
            span_in(from, "began_ms"),
            span_in(from, "ends_ms"),
            from.at("served").get<std::set<std::string>>()};
}

// In a table of its own in gatehouse.db, beside those of store.cpp, which count their schema's versions without it. A
// look makes none: the folder may be read-only.
core::Result<std::optional<std::string>> read_row(state::Database&& database) {
    const auto text_of = [&database](const char* query) -> core::Result<std::optional<std::string>> {
        auto row = database.prepare(query);
        const auto found = row ? row->step() : tl::unexpected(row.error());
        if (!found) {
            return tl::unexpected(found.error());
        }
        return *found ? std::optional(row->text(0)) : std::nullopt;
    };
    auto table = text_of("SELECT name FROM sqlite_master WHERE name = 'configuration_trial'");
    return table && *table ? text_of("SELECT state FROM configuration_trial") : table;
}

core::Result<void> make_table(state::Database& database) {
    return database.execute(
        "CREATE TABLE IF NOT EXISTS configuration_trial(id INTEGER PRIMARY KEY "
        "CHECK(id=1), state TEXT NOT NULL) STRICT");
}

}  // namespace

bool is_over(const ConfigurationTrial& trial, core::Milliseconds now) {
    return now >= trial.ends || now < trial.began;
}

core::Milliseconds boot_now() {
    return core::BootClock::now().time_since_epoch();
}

core::Result<std::optional<ConfigurationTrial>> load_trial(const std::filesystem::path& folder) {
    auto row = state::Database::open(folder / "gatehouse.db").and_then(read_row);
    if (!row) {
        return tl::unexpected(std::move(row.error()));
    }
    if (!*row) {
        return std::optional<ConfigurationTrial>();
    }
    try {
        return std::optional(read_stored(base::parse_json(**row, base::wide_bounds)));
    } catch (const json::exception& error) {
        return core::fail("cannot read the stored trial of the configuration", error.what(),
                          "nothing goes back by itself; look at gatehouse config show --previous");
    }
}

core::Result<void> save_trial(const std::filesystem::path& folder, const std::optional<ConfigurationTrial>& trial) {
    auto database = state::Database::open(folder / "gatehouse.db");
    if (!database) {
        return tl::unexpected(std::move(database.error()));
    }
    if (auto made = make_table(*database); !made) {
        return made;
    }
    if (!trial) {
        return database->execute("DELETE FROM configuration_trial");
    }
    auto insert = database->prepare("INSERT OR REPLACE INTO configuration_trial VALUES(1, ?)");
    if (!insert) {
        return tl::unexpected(std::move(insert.error()));
    }
    const std::string state = write_trial(*trial).dump(-1, ' ', false, json::error_handler_t::replace);
    return insert->bind(1, state).step().map([](bool) {});
}

}  // namespace appliance::control
