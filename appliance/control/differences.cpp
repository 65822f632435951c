#include "appliance/control/differences.hpp"

#include <algorithm>
#include <string_view>

namespace appliance::control {
namespace {

template <typename Item>
const Item* find_named(const std::vector<Item>& items, std::string_view name) {
    const auto found = std::find_if(items.begin(), items.end(), [&](const Item& item) { return item.name == name; });
    return found == items.end() ? nullptr : &*found;
}

template <typename Item, typename Changed>
void compare(const std::vector<Item>& before, const std::vector<Item>& after, std::string_view what,
             std::vector<std::string>& out, Changed changed) {
    const auto say = [&](const Item& item, std::string_view how) {
        out.push_back(std::string(what) + " " + item.name + ": " + std::string(how));
    };
    for (const Item& item : before) {
        if (find_named(after, item.name) == nullptr) {
            say(item, "removed");
        }
    }
    for (const Item& item : after) {
        const Item* old = find_named(before, item.name);
        if (old == nullptr) {
            say(item, "added");
        } else if (!(*old == item)) {
            changed(*old, item);
        }
    }
}

void compare_backends(const config::Pool& before, const config::Pool& after, std::vector<std::string>& out) {
    const auto find = [](const config::Pool& pool, std::string_view server) {
        return std::find_if(pool.backends.begin(), pool.backends.end(),
                            [&](const config::Backend& backend) { return backend.server == server; });
    };
    const auto say = [&](const config::Backend& backend, std::string_view how) {
        out.push_back("pool " + after.name + ": backend " + backend.server + " " + std::string(how));
    };
    for (const config::Backend& backend : before.backends) {
        if (find(after, backend.server) == after.backends.end()) {
            say(backend, "removed");
        }
    }
    for (const config::Backend& backend : after.backends) {
        const auto old = find(before, backend.server);
        if (old == before.backends.end()) {
            say(backend, "added");
        } else if (!(*old == backend)) {
            say(backend, "changed");
        }
    }
}

void compare_pools(const config::Pool& before, const config::Pool& after, std::vector<std::string>& out) {
    const std::size_t said = out.size();
    if (!(before.check == after.check)) {
        out.push_back("pool " + after.name + ": check changed");
    }
    if (before.balance != after.balance) {
        out.push_back("pool " + after.name + ": balance " + std::string(config::print(after.balance)));
    }
    compare_backends(before, after, out);
    if (out.size() == said) {
        out.push_back("pool " + after.name + ": changed");
    }
}

}  // namespace

std::vector<std::string> describe_changes(const config::Config& before, const config::Config& after) {
    std::vector<std::string> out;
    const auto plain = [&out](std::string_view what) {
        return [&out, what](const auto&, const auto& item) {
            out.push_back(std::string(what) + " " + item.name + ": changed");
        };
    };
    compare(before.listeners, after.listeners, "listener", out, plain("listener"));
    compare(before.servers, after.servers, "server", out, plain("server"));
    compare(before.pools, after.pools, "pool", out,
            [&out](const config::Pool& old, const config::Pool& item) { compare_pools(old, item, out); });
    const auto section = [&out](bool same, const char* name) {
        if (!same) {
            out.push_back(std::string(name) + ": changed");
        }
    };
    section(before.maintenance == after.maintenance, "maintenance");
    section(before.fence_mode == after.fence_mode, "fence");
    section(before.firewall == after.firewall, "firewall");
    section(before.timeouts == after.timeouts, "timeouts");
    section(before.log == after.log, "log");
    section(before.proxy.drain == after.proxy.drain, "proxy.drain");
    section(before.proxy.relay_drain == after.proxy.relay_drain, "proxy.relay_drain");
    section(before.proxy.zero_copy == after.proxy.zero_copy, "proxy.zero_copy");
    section(before.limits == after.limits, "limits");
    section(before.access == after.access, "access");
    section(before.control.remote == after.control.remote, "control: certificate, key or client_ca");
    return out;
}

config::Config keep_fixed(const config::Config& running, config::Config wanted, std::vector<std::string>& notes) {
    const auto keep = [&notes](const auto& old, auto& fresh, const char* name) {
        if (!(old == fresh)) {
            notes.push_back(std::string(name) + ": takes effect when gatehouse is started again");
            fresh = old;
        }
    };
    keep(running.proxy.workers, wanted.proxy.workers, "proxy.workers");
    keep(running.proxy.user, wanted.proxy.user, "proxy.user");
    keep(running.control.socket, wanted.control.socket, "control.socket");
    keep(running.control.state, wanted.control.state, "control.state");
    // Its certificate and its callers change at once, its socket does not.
    if (running.control.remote && wanted.control.remote) {
        keep(running.control.remote->listen, wanted.control.remote->listen, "control.listen");
    } else {
        keep(running.control.remote, wanted.control.remote, "control.listen");
    }
    return wanted;
}

}  // namespace appliance::control
