// Views: the state as the API shows it. Pure: everything observed is handed in.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <vector>

#include "appliance/control/link/proxy_link.hpp"
#include "appliance/control/model/record.hpp"
#include "netfilter/model/fence.hpp"

namespace appliance::control {

struct Observed {
    core::WallTime since{};  // of this control process
    ProxyStatus proxy;
    bool helper_attached = false;
    core::WallTime helper_since{};
};

// GET /v1/status. report: the proxy's answer to "report", or null where it gave none.
nlohmann::ordered_json view_status(const config::Config& config, const Administration& administration,
                                   const Observed& observed, const nlohmann::json& report);

// One fence as `rules` shows it: the record, the kernel's element, or both. At least one is given.
nlohmann::ordered_json view_fence(const FenceRecord* record, const netfilter::Fence* kernel);

// GET /v1/rules: what is in the kernel, compared with what is wanted.
nlohmann::ordered_json view_rules(const config::Config& config, const Administration& administration,
                                  std::span<const netfilter::Fence> kernel, core::WallTime now);

// GET /v1/maintenance.
nlohmann::ordered_json view_maintenance(const config::Config& config, const Administration& administration,
                                        const nlohmann::json& report);

// What the last checks of a backend say.
enum class Health : std::uint8_t { unknown, down, up };

// How many exchanges and relays the report counts for one backend. Nothing where the report does not say, or there is
// none: that is not known, and it is not zero.
std::optional<std::uint64_t> active_in(const nlohmann::json& report, const std::string& pool,
                                       const std::string& server);
Health health_in(const nlohmann::json& report, const std::string& pool, const std::string& server);
// The address that the report is about; empty where it does not say.
std::string address_in(const nlohmann::json& report, const std::string& pool, const std::string& server);

}  // namespace appliance::control
