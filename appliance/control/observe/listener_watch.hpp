// ListenerWatch: logs when the address of a listener, or of the API, comes to this machine or leaves it.
#pragma once

#include <functional>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "appliance/config/model/config.hpp"
#include "appliance/control/observe/presence.hpp"

namespace appliance::control {

class ListenerWatch {
public:
    using Find = std::function<Presence(const core::Address&)>;
    using Tell = std::function<void(std::string_view, const nlohmann::ordered_json&)>;

    // Both are called from look() alone.
    ListenerWatch(Find find, Tell tell) : find_(std::move(find)), tell_(std::move(tell)) {}

    // Looks at each address. A change is an event "listener"; so is one that is absent at the first look. What cannot
    // be asked changes nothing.
    void look(const config::Config& config);

private:
    void look_at(const std::string& name, const core::Address& address);

    Find find_;
    Tell tell_;
    std::map<core::Address, Presence> known_;  // never unknown
};

}  // namespace appliance::control
