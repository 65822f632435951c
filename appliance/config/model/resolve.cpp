#include "appliance/config/model/resolve.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace appliance::config {
namespace {

// Why the server cannot have that address in the pool; empty where it can. backend: its own in the pool.
std::string why_not(const Config& config, const Pool& pool, const Backend& backend, const core::Address& host) {
    Backend moved = backend;
    moved.address = host.with_port(backend.address.port());
    const auto twin = std::find_if(pool.backends.begin(), pool.backends.end(), [&moved](const Backend& other) {
        return other.server != moved.server && other.address == moved.address;
    });
    if (twin != pool.backends.end()) {
        return fmt::format("{} is {} in pool {} already", moved.address.text(), twin->server, pool.name);
    }
    for (const Listener& listener : config.listeners) {
        if (leads_back(listener, moved)) {
            return fmt::format("{} is the address of listener {}", moved.address.text(), listener.name);
        }
        if (listener.pool == pool.name && config.in_kernel(listener) &&
            listener.address.family() != moved.address.family()) {
            return fmt::format("the kernel cannot lead from {} to {}, of another family", listener.address.text(),
                               moved.address.text());
        }
    }
    return {};
}

std::string why_not(const Config& config, const std::string& server, const core::Address& host) {
    if (is_unspecified(host)) {
        return fmt::format("{} is no machine's address", host.host());
    }
    for (const Pool& pool : config.pools) {
        for (const Backend& backend : pool.backends) {
            if (backend.server != server) {
                continue;
            }
            if (auto why = why_not(config, pool, backend, host); !why.empty()) {
                return why;
            }
        }
    }
    return {};
}

void give(Config& config, Server& server, const core::Address& host) {
    server.host = host;
    for (Pool& pool : config.pools) {
        for (Backend& backend : pool.backends) {
            if (backend.server == server.name) {
                backend.address = host.with_port(backend.address.port());
            }
        }
    }
}

// Gives the server the first of these that fits. Returns why the first one of all did not; empty where one does.
std::string give_first(Config& config, Server& server, const std::vector<core::Address>& hosts) {
    std::string why;
    for (const core::Address& host : hosts) {
        std::string refused = why_not(config, server.name, host);
        if (refused.empty()) {
            give(config, server, host);
            return {};
        }
        why = why.empty() ? std::move(refused) : std::move(why);
    }
    return why;
}

core::Address former(const Config& running, const std::string& server) {
    const Server* const old = running.server(server);
    return old == nullptr ? core::Address() : old->host;
}

}  // namespace

bool is_unspecified(const core::Address& address) noexcept {
    const auto& bytes = address.bytes();
    return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0; });
}

bool leads_back(const Listener& listener, const Backend& backend) noexcept {
    if (!backend.has_address()) {
        return false;
    }
    const bool caught = is_unspecified(listener.address) && backend.address.is_loopback() &&
                        backend.address.family() == listener.address.family() &&
                        backend.address.port() == listener.address.port();
    return caught || backend.address == listener.address;
}

// A server that stays where it is comes first, so that none that moves takes its address.
std::map<std::string, std::string> resolve(Config& wanted, const Answers& answers, const Config& running) {
    static const std::vector<core::Address> none;
    const auto answer_for = [&answers](const Server& server) -> const std::vector<core::Address>& {
        const auto found = answers.find(server.name);
        return found == answers.end() ? none : found->second;
    };
    for (Server& server : wanted.servers) {
        const core::Address old = former(running, server.name);
        const std::vector<core::Address>& answer = answer_for(server);
        const bool stays = answer.empty() || std::find(answer.begin(), answer.end(), old) != answer.end();
        if (!server.dns_name.empty()) {
            give(wanted, server, core::Address());
        }
        if (!server.dns_name.empty() && stays && old != core::Address()) {
            static_cast<void>(give_first(wanted, server, {old}));
        }
    }
    std::map<std::string, std::string> refused;
    for (Server& server : wanted.servers) {
        if (server.dns_name.empty() || server.host != core::Address()) {
            continue;
        }
        if (std::string why = give_first(wanted, server, answer_for(server)); !why.empty()) {
            refused.emplace(server.name, std::move(why));
            static_cast<void>(give_first(wanted, server, {former(running, server.name)}));
        }
    }
    return refused;
}

}  // namespace appliance::config
