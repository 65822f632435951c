// Whether the listeners' addresses are there.
#include <nlohmann/json.hpp>

#include "appliance/control/engine/control.hpp"

namespace appliance::control {
namespace {

// An address that has come or gone is told about as late as this.
constexpr std::chrono::milliseconds presence_step{1'000};

}  // namespace

void Control::watch_listeners(Clock::time_point now) {
    if (now >= presence_at_) {
        presence_at_ = now + presence_step;
        listener_watch_.look(*state().config);
    }
}

// Observed now, and kept nowhere.
void Control::show_presence(Json& view) {
    LocalAddresses addresses;
    for (Json& listener : view["listeners"]) {
        const auto address = core::Address::parse(listener["address"].get<std::string>());
        const Presence presence = address ? addresses.find(*address) : Presence::unknown;
        listener["present"] = presence == Presence::unknown ? Json() : Json(presence == Presence::here);
        listener["why"] = presence == Presence::here ? Json() : Json(explain(presence, *address));
    }
}

}  // namespace appliance::control
