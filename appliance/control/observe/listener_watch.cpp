#include "appliance/control/observe/listener_watch.hpp"

#include <nlohmann/json.hpp>
#include <set>

namespace appliance::control {

void ListenerWatch::look(const config::Config& config) {
    std::set<core::Address> wanted;
    for (const config::Listener& listener : config.listeners) {
        wanted.insert(listener.address);
        look_at(listener.name, listener.address);
    }
    if (config.control.remote) {
        wanted.insert(config.control.remote->listen);
        look_at("control", config.control.remote->listen);
    }
    std::erase_if(known_, [&wanted](const auto& entry) { return !wanted.contains(entry.first); });
}

void ListenerWatch::look_at(const std::string& name, const core::Address& address) {
    const Presence now = find_(address);
    if (now == Presence::unknown) {
        return;
    }
    const auto before = known_.find(address);
    const bool changed = before == known_.end() ? now == Presence::absent : now != before->second;
    known_.insert_or_assign(address, now);
    if (changed) {
        const std::string why =
            now == Presence::here ? address.host() + " is an address of this machine now" : explain(now, address);
        tell_("listener",
              {{"listener", name}, {"address", address.text()}, {"present", now == Presence::here}, {"why", why}});
    }
}

}  // namespace appliance::control
