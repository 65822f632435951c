// The appliance's own firewall: control's commands about it, and its turn in the main loop.
#include <nlohmann/json.hpp>

#include "appliance/control/engine/control.hpp"

namespace appliance::control {
namespace {

constexpr std::chrono::seconds firewall_step{1};

}  // namespace

Control::Json Control::firewall() {
    const std::lock_guard lock(changing_);
    return firewall_.view(*state().config);
}

Outcome<Control::Json> Control::confirm_firewall(const std::string& who, const std::string& why) {
    const std::lock_guard lock(changing_);
    return firewall_.confirm(*state().config, who, why);
}

void Control::keep_firewall(Clock::time_point now) {
    if (now < firewall_at_) {
        return;
    }
    const std::lock_guard lock(changing_);
    firewall_.tick(*state().config);
    firewall_at_ = now + firewall_step;
}

}  // namespace appliance::control
