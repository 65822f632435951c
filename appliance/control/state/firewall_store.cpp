#include "appliance/control/state/firewall_store.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/base/bounded_json.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

json write(const config::Firewall& firewall) {
    json networks = json::array();
    for (const auto& network : firewall.management) {
        networks.push_back(network.text());
    }
    return {{"enabled", firewall.enabled},
            {"management", std::move(networks)},
            {"management_ports", firewall.management_ports},
            {"connections_per_source", firewall.connections_per_source},
            {"new_count", firewall.new_per_source.count},
            {"new_unit", firewall.new_per_source.unit},
            {"confirm_ms", firewall.confirm.count()}};
}

// Throws json::exception for what write() never made.
config::Firewall read(const json& in) {
    config::Firewall firewall;
    firewall.enabled = in.at("enabled");
    for (const json& text : in.at("management")) {
        const auto network = core::Network::parse(text.get<std::string>());
        if (!network) {
            throw json::other_error::create(501, network.error().line(), &text);
        }
        firewall.management.push_back(*network);
    }
    firewall.management_ports = in.at("management_ports").get<std::vector<std::uint16_t>>();
    firewall.connections_per_source = in.at("connections_per_source");
    firewall.new_per_source = {in.at("new_count"), in.at("new_unit")};
    firewall.confirm = core::Milliseconds(in.at("confirm_ms").get<std::int64_t>());
    return firewall;
}

json write(const FirewallTrial& trial) {
    json out{{"confirmed", write(trial.confirmed)}};
    if (const auto& change = trial.change) {
        out["change"] = {{"wanted", write(change->wanted)},
                         {"who", change->who},
                         {"why", change->why},
                         {"since_ms", change->since.time_since_epoch().count()},
                         {"until_ms", change->until.time_since_epoch().count()}};
    }
    if (trial.refused) {
        out["refused"] = write(*trial.refused);
    }
    return out;
}

core::WallTime time_of(const json& milliseconds) {
    return core::WallTime(core::Milliseconds(milliseconds.get<std::int64_t>()));
}

FirewallTrial read_trial(const json& in) {
    FirewallTrial trial;
    trial.confirmed = read(in.at("confirmed"));
    if (const auto change = in.find("change"); change != in.end()) {
        trial.change = FirewallChange{read(change->at("wanted")), change->at("who"), change->at("why"),
                                      time_of(change->at("since_ms")), time_of(change->at("until_ms"))};
    }
    if (const auto refused = in.find("refused"); refused != in.end()) {
        trial.refused = read(*refused);
    }
    return trial;
}

}  // namespace

core::Result<FirewallStore> FirewallStore::open(const std::filesystem::path& folder) {
    auto database = state::Database::open(folder / "gatehouse.db");
    if (!database) {
        return tl::unexpected(std::move(database.error()));
    }
    // Beside the tables of store.cpp, which count their schema's versions without this one.
    auto made = database->execute(
        "CREATE TABLE IF NOT EXISTS firewall(id INTEGER PRIMARY KEY CHECK(id=1), state TEXT NOT NULL) STRICT");
    if (!made) {
        return tl::unexpected(std::move(made.error()));
    }
    return FirewallStore(std::move(*database));
}

core::Result<std::optional<FirewallTrial>> FirewallStore::load() {
    auto row = database_.prepare("SELECT state FROM firewall");
    if (!row) {
        return tl::unexpected(std::move(row.error()));
    }
    const auto found = row->step();
    if (!found) {
        return tl::unexpected(found.error());
    }
    if (!*found) {
        return std::optional<FirewallTrial>();
    }
    try {
        return std::optional(read_trial(base::parse_json(row->text(0), base::wide_bounds)));
    } catch (const json::exception& error) {
        return core::fail("cannot read the stored firewall", error.what(),
                          "confirm the one in the file: gatehouse reload, then gatehouse firewall confirm");
    }
}

core::Result<void> FirewallStore::save(const FirewallTrial& trial) {
    auto insert = database_.prepare("INSERT OR REPLACE INTO firewall VALUES(1, ?)");
    if (!insert) {
        return tl::unexpected(std::move(insert.error()));
    }
    const std::string state = write(trial).dump(-1, ' ', false, json::error_handler_t::replace);
    return insert->bind(1, state).step().map([](bool) {});
}

}  // namespace appliance::control
