#include "appliance/control/state/resolved_names.hpp"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "appliance/base/bounded_json.hpp"
#include "appliance/state/stored_text.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

constexpr const char* names_table = "resolved_names";

// Throws json::exception for what save_names() never made.
config::Answers understand(const json& stored, const config::Config& config) {
    config::Answers answers;
    for (const json& each : stored.get_ref<const json::array_t&>()) {
        const config::Server* const server = config.server(each.at("server").get<std::string>());
        const auto address = core::Address::parse_host(each.at("address").get<std::string>(), 0);
        if (server != nullptr && !server->dns_name.empty() && each.at("name") == server->dns_name && address) {
            answers[server->name] = {*address};
        }
    }
    return answers;
}

}  // namespace

core::Result<config::Answers> load_names(const std::filesystem::path& folder, const config::Config& config) {
    const auto row = state::load_text(folder, names_table);
    if (!row) {
        return tl::unexpected(row.error());
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
    return state::save_text(folder, names_table, names.dump());
}

}  // namespace appliance::control
