#include "appliance/control/state/configuration_trial.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/base/bounded_json.hpp"
#include "appliance/state/stored_text.hpp"

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

constexpr const char* trial_table = "configuration_trial";

}  // namespace

bool is_over(const ConfigurationTrial& trial, core::Milliseconds now) {
    return now >= trial.ends || now < trial.began;
}

core::Milliseconds boot_now() {
    return core::BootClock::now().time_since_epoch();
}

core::Result<std::optional<ConfigurationTrial>> load_trial(const std::filesystem::path& folder) {
    const auto row = state::load_text(folder, trial_table);
    if (!row) {
        return tl::unexpected(row.error());
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
    if (!trial) {
        return state::save_text(folder, trial_table, std::nullopt);
    }
    return state::save_text(folder, trial_table,
                            write_trial(*trial).dump(-1, ' ', false, json::error_handler_t::replace));
}

}  // namespace appliance::control
