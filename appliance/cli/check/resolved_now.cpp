#include "appliance/cli/check/resolved_now.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "appliance/base/lookups.hpp"
#include "appliance/cli/terminal/style.hpp"
#include "core/base/result.hpp"

namespace appliance::cli {
namespace {

constexpr unsigned at_once = 16;
constexpr std::size_t answers_max = 64;
constexpr std::chrono::seconds names_patience{5};

using Found = core::Result<std::vector<core::Address>>;

std::vector<Found> look_up_all(const std::vector<const config::Server*>& servers) {
    base::Lookups lookups(at_once, answers_max);
    const auto deadline = std::chrono::steady_clock::now() + names_patience;
    std::vector<Found> found(servers.size());
    std::atomic<std::size_t> next = 0;
    const auto work = [&] {
        for (std::size_t at = next++; at < servers.size(); at = next++) {
            found[at] = lookups.look_up(servers[at]->dns_name, 0, deadline);
        }
    };
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < std::min<std::size_t>(at_once, servers.size()); ++i) {
        threads.emplace_back(work);
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    return found;
}

}  // namespace

ResolvedNow resolve_now(const config::Config& config) {
    std::vector<const config::Server*> servers;
    for (const config::Server& server : config.servers) {
        if (!server.dns_name.empty()) {
            servers.push_back(&server);
        }
    }
    const std::vector<Found> found = look_up_all(servers);
    ResolvedNow now;
    for (std::size_t i = 0; i < servers.size(); ++i) {
        const config::Server& server = *servers[i];
        std::vector<std::string> addresses;
        for (const core::Address& address : found[i].value_or(std::vector<core::Address>())) {
            addresses.push_back(address.host());
        }
        const std::string error = found[i] ? std::string() : found[i].error().line();
        now.json.push_back({{"server", server.name},
                            {"name", server.dns_name},
                            {"addresses", addresses},
                            {"error", error.empty() ? nlohmann::json() : nlohmann::json(error)}});
        if (found[i]) {
            now.text +=
                clean(fmt::format("{}: {} is {} now", server.name, server.dns_name, fmt::join(addresses, ", "))) + "\n";
        } else {
            now.warnings.push_back(fmt::format("{} does not resolve now: {}; {} serves nobody until it does",
                                               server.dns_name, error, server.name));
        }
    }
    return now;
}

}  // namespace appliance::cli
