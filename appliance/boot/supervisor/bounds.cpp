#include "appliance/boot/supervisor/bounds.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/config/file/load.hpp"
#include "appliance/control/link/messages.hpp"
#include "appliance/control/sync/redirects.hpp"

namespace appliance::boot {

Bounds::Bounds(const config::Config& config) : file_(config.file) {
    take(config);
}

bool Bounds::allow(const core::Address& address) {
    if (!addresses_.contains(address)) {
        read_again();
    }
    return addresses_.contains(address);
}

bool Bounds::allow_probes(bool v6, std::size_t count) {
    const std::size_t& most = v6 ? probes_v6_ : probes_v4_;
    if (count > most) {
        read_again();
    }
    return count <= most;
}

core::Result<void> Bounds::allow(std::span<const netfilter::Redirect> redirects) {
    if (!redirects_.check(redirects)) {
        read_again();
    }
    return redirects_.check(redirects);
}

// Earlier addresses stay allowed: a failed reload goes back to the previous configuration.
void Bounds::take(const config::Config& config) {
    for (const config::Listener& listener : config.listeners) {
        addresses_.insert(listener.address);
    }
    if (config.control.remote) {
        addresses_.insert(config.control.remote->listen);
    }
    const auto probes = control::most_probes(config);
    probes_v4_ = std::max(probes_v4_, probes.v4);
    probes_v6_ = std::max(probes_v6_, probes.v6);
    redirects_.add(control::make_redirects(config, {}, {}, {}));
    for (const config::Listener& listener : config.listeners) {
        const config::Pool* pool = config.in_kernel(listener) ? config.pool(listener.pool) : nullptr;
        for (const config::Backend& backend : pool == nullptr ? std::vector<config::Backend>() : pool->backends) {
            if (!backend.has_address()) {
                redirects_.add_port(listener.name, backend.address.port());
            }
        }
    }
}

void Bounds::read_again() {
    if (const auto config = config::load(file_)) {
        take(*config);
    }
}

}  // namespace appliance::boot
