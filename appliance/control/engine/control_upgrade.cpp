// Upgrade: control's part in it. The old control process has the new program tried and says go; the new one lets its
// proxy check the servers before it serves, because the proxy before still does.
#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/control/engine/control.hpp"
#include "appliance/control/link/messages.hpp"
#include "appliance/control/observe/views.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

// A check that never ends would hold up every upgrade; the supervisor's own patience is longer than this.
constexpr std::chrono::seconds warm_max{10};

bool all_checked(const json& report, const config::Config& config) {
    return std::all_of(config.pools.begin(), config.pools.end(), [&](const config::Pool& pool) {
        return std::all_of(pool.backends.begin(), pool.backends.end(), [&](const config::Backend& backend) {
            return health_in(report, pool.name, backend.server) != Health::unknown;
        });
    });
}

}  // namespace

Outcome<Control::Json> Control::check_upgrade(const std::string& who, const std::string& why) {
    const auto checked = supervisor_.check_upgrade(who, why);
    if (!checked) {
        return refuse(409, checked.error());
    }
    return Json{{"number", checked->value("number", 0)},
                {"from", checked->value("from", "")},
                {"to", checked->value("to", "")},
                {"proxy", checked->value("proxy", 0)}};
}

void Control::upgrade() {
    // Held to the end of this process, so that no other change is cut in the middle.
    const std::lock_guard lock(changing_);
    // The end of the link is the success: we are about to end with it.
    if (const auto done = supervisor_.upgrade(); !done && done.error().os_error != EPIPE) {
        log("upgrade", {{"error", done.error().line()}});
    }
}

nlohmann::json Control::last_upgrade() const {
    const std::lock_guard lock(state_mutex_);
    return upgrade_;
}

// A proxy that knows no server's health would show visitors the maintenance page. So it first gets everything but the
// listeners. True: it may serve now.
bool Control::warm_up() {
    const auto now = Clock::now();
    const State wanted = state();
    if (!warm_until_) {
        config::Config quiet = *wanted.config;
        quiet.listeners.clear();
        const auto done = configure(quiet).and_then([&] {
            return proxy_.ask(administer_message(*wanted.config, *wanted.administration, known()), {},
                              ProxyLink::answer_max);
        });
        if (!done) {
            log("configure", {{"error", done.error().line()}});
            return false;
        }
        warm_until_ = now + warm_max;
    }
    const json report = proxy_.ask({{"type", "report"}}, {}, ProxyLink::answer_max).value_or(json());
    return all_checked(report, *wanted.config) || now >= *warm_until_;
}

}  // namespace appliance::control
