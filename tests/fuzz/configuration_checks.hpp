// The properties of the configuration's reader, for the fuzz target and tests/appliance/boot/configuration_test.cpp.
// The same text gives the same result twice. A refusal says what is wrong. What control sends to the proxy of an
// accepted configuration arrives unchanged.
#pragma once

#include <algorithm>
#include <exception>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "appliance/boot/proxy/proxy_orders.hpp"
#include "appliance/config/file/load.hpp"
#include "appliance/control/link/messages.hpp"
#include "appliance/control/model/workers.hpp"

namespace appliance::fuzz {

// The property that does not hold; empty where all do.
inline std::string_view check_problems(const config::Problems& problems) {
    if (problems.empty()) {
        return "refused without a reason";
    }
    const auto place = [](const config::Problem& problem) { return config::Position{problem.line, problem.column}; };
    const bool sorted = std::is_sorted(problems.begin(), problems.end(),
                                       [&](const auto& one, const auto& other) { return place(one) < place(other); });
    if (!sorted) {
        return "problems are not in the order of the file";
    }
    const bool said = std::all_of(problems.begin(), problems.end(), [](const config::Problem& problem) {
        return !problem.what.empty() && problem.text().find('\n') == std::string::npos;
    });
    return said ? std::string_view{} : "a problem says nothing, or more than a line";
}

inline std::string_view check_link(const config::Config& config) {
    try {
        // As it is sent: text, and as many descriptors as control sends.
        const auto body = nlohmann::json::parse(control::configure_message(config).dump());
        const auto probes = control::count_probes(config);
        std::vector<core::base::Descriptor> sockets(config.listeners.size() * control::worker_count(config) +
                                                    probes.v4 + probes.v6);
        const auto decoded = boot::decode_order({body, std::move(sockets)});
        if (!decoded) {
            return "the proxy does not understand a configuration that was taken";
        }
        const auto& order = std::get<boot::ConfigureOrder>(*decoded);
        const bool whole = order.snapshot->listeners.size() == config.listeners.size() &&
                           order.snapshot->pools.size() == config.pools.size() &&
                           order.probe_sockets.size() == probes.v4 + probes.v6;
        return whole ? std::string_view{} : "the proxy is told of less than there is";
    } catch (const std::exception&) {
        return "the proxy does not understand a configuration that was taken";
    }
}

inline std::string_view check_configuration(std::string_view text) {
    const char* const file = "/nonexistent/gatehouse.toml";
    const auto config = config::parse(text, file);
    const auto again = config::parse(text, file);
    if (config.has_value() != again.has_value() || (config ? *config != *again : config.error() != again.error())) {
        return "the same text was judged otherwise";
    }
    return config ? check_link(*config) : check_problems(config.error());
}

}  // namespace appliance::fuzz
