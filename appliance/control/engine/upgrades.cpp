#include "appliance/control/engine/upgrades.hpp"

#include <cerrno>

namespace appliance::control {

Outcome<Upgrades::Json> Upgrades::check(const std::string& who, const std::string& why) {
    const auto checked = shared_.supervisor.check_upgrade(who, why);
    if (!checked) {
        return refuse(409, checked.error());
    }
    return Json{{"number", checked->value("number", 0)},
                {"from", checked->value("from", "")},
                {"to", checked->value("to", "")},
                {"proxy", checked->value("proxy", 0)}};
}

void Upgrades::upgrade() {
    // Held to the end of this process, so that no other change is cut in the middle.
    const std::lock_guard lock(shared_.changing);
    // The end of the link is the success: we are about to end with it.
    if (const auto done = shared_.supervisor.upgrade(); !done && done.error().os_error != EPIPE) {
        shared_.log("upgrade", {{"error", done.error().line()}});
    }
}

nlohmann::json Upgrades::last() const {
    const std::lock_guard lock(mutex_);
    return last_;
}

void Upgrades::take(const link::UpgradeNews& news) {
    shared_.old_proxies = news.old_proxies;
    const std::lock_guard lock(mutex_);
    last_ = news.upgrade;
}

}  // namespace appliance::control
