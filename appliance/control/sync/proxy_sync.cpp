#include "appliance/control/sync/proxy_sync.hpp"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/control/link/messages.hpp"
#include "appliance/control/observe/views.hpp"

namespace appliance::control {
namespace {

using nlohmann::json;

// How often it is asked whether the checks of a proxy that does not serve yet are through.
constexpr core::Milliseconds warm_step{50};
// How long an order waits at the start for the proxy's link.
constexpr core::Milliseconds proxy_known_wait{2'000};

// A check that never ends would hold up every upgrade; the supervisor's own patience is longer than this.
constexpr std::chrono::seconds warm_max{10};

bool checked_all(const json& report, const config::Config& config) {
    return std::all_of(config.pools.begin(), config.pools.end(), [&](const config::Pool& pool) {
        return std::all_of(pool.backends.begin(), pool.backends.end(), [&](const config::Backend& backend) {
            return health_in(report, pool.name, backend.server) != Health::unknown;
        });
    });
}

}  // namespace

void ProxySync::begin(bool beside) {
    configure_at_ = Clock::now();
    beside_ = beside;
    warm_until_.reset();
}

void ProxySync::configure_new(Clock::time_point now) {
    configure_at_ = now + configure_new();
}

// Returns when to try again, where that is to be.
core::Milliseconds ProxySync::configure_new() {
    const std::unique_lock lock(shared_.changing, std::try_to_lock);
    if (!lock || (beside_ && !warm_up())) {
        return warm_step;
    }
    auto done = configure(*shared_.wanted().config).and_then([this] {
        return shared_.proxy.ask(
            administer_message(*shared_.wanted().config, *shared_.wanted().administration, shared_.known()), {},
            ProxyLink::answer_max);
    });
    if (!done) {
        shared_.log("configure", {{"error", done.error().line()}});
        return ControlState::retry;
    }
    shared_.untold = false;
    shared_.proxy.mark_running();
    if (!std::exchange(told_ready_, true)) {
        static_cast<void>(shared_.supervisor.ready());
        shared_.log("ready", {{"config", shared_.wanted().config->file.string()}});
    }
    return ControlState::retry;
}

// Sends a configuration with all its sockets. Duplicates of ours are closed again at the end; the supervisor keeps its.
core::Result<void> ProxySync::configure(const config::Config& config) {
    json message = configure_message(config);
    if (shared_.trial) {
        hold_while_on_trial(message);
    }
    message["recall"] = shared_.going_back;
    // Under the new names: a fenced server with a new name must not be open until the next "administer".
    message["fences"] = administer_message(config, *shared_.wanted().administration, shared_.known())["fences"];
    std::vector<core::base::Descriptor> sockets;
    const auto take = [&sockets](std::vector<core::base::Descriptor> more) {
        std::move(more.begin(), more.end(), std::back_inserter(sockets));
    };
    core::Result<void> opened;
    for (const json& listener : message["listeners"]) {
        const auto address = core::Address::parse(listener["address"].get<std::string>());
        opened =
            opened.and_then([&] { return shared_.supervisor.open_listeners(*address, listener["fds"]).map(take); });
    }
    for (const char* family : {"v4", "v6"}) {
        opened = opened.and_then(
            [&] { return shared_.supervisor.open_probe_sockets(family, message["probe_sockets"][family]).map(take); });
    }
    if (!opened) {
        return opened;
    }
    std::vector<int> fds;
    std::transform(sockets.begin(), sockets.end(), std::back_inserter(fds), [](const auto& one) { return one.get(); });
    return shared_.proxy.ask(message, fds, ProxyLink::answer_max).map([](const json&) {});
}

core::Result<void> ProxySync::administer(core::Milliseconds patience) {
    return redirects_.update().and_then([&] { return tell(patience); });
}

// One that is there is told also before this process has configured it: it may serve by what an earlier control said.
core::Result<void> ProxySync::tell(core::Milliseconds patience) {
    if (auto known = await_proxy(); !known) {
        return known;
    }
    const auto alive = [this] {
        const auto state = shared_.proxy.status().state;
        return state == ProxyState::starting || state == ProxyState::running;
    };
    if (!alive()) {
        shared_.untold = false;  // the next one is told all
        return {};
    }
    const Wanted now = shared_.wanted();
    shared_.untold = true;
    const auto answer =
        shared_.proxy.ask(administer_message(*now.config, *now.administration, shared_.known()), {}, patience);
    if (!answer && alive()) {
        return tl::unexpected(answer.error());
    }
    shared_.untold = false;
    return {};
}

// At the start of this process a proxy may serve that is not known here: the supervisor has not handed over its link
// yet. Not for the main loop, which would wait for itself.
core::Result<void> ProxySync::await_proxy() {
    const auto deadline = Clock::now() + proxy_known_wait;
    while (!shared_.proxy_known) {
        if (Clock::now() >= deadline) {
            return core::fail_os("it is not known whether a proxy serves", EPIPE,
                                 "gatehouse is starting; try again in a moment");
        }
        core::base::sleep_for(ControlState::known_look);
    }
    return {};
}

// The main loop does not wait for an order; see StateUpkeep.
void ProxySync::tell_again(Clock::time_point now) {
    if (!shared_.untold || now < tell_at_) {
        return;
    }
    if (!shared_.proxy.may_ask({})) {
        tell_at_ = Clock::now() + ControlState::retry;
        return;
    }
    const std::unique_lock lock(shared_.changing, std::try_to_lock);
    if (!lock) {
        return;
    }
    if (const auto told = administer(tell_max); !told) {
        tell_at_ = Clock::now() + ControlState::retry;
    } else {
        shared_.log("proxy", {{"told", "what it had not taken before"}});
    }
}

// A proxy that knows no server's health would show visitors the maintenance page. So it first gets everything but the
// listeners. True: it may serve now.
bool ProxySync::warm_up() {
    const auto now = Clock::now();
    const Wanted wanted = shared_.wanted();
    if (!warm_until_) {
        config::Config quiet = *wanted.config;
        quiet.listeners.clear();
        const auto done = configure(quiet).and_then([&] {
            return shared_.proxy.ask(administer_message(*wanted.config, *wanted.administration, shared_.known()), {},
                                     ProxyLink::answer_max);
        });
        if (!done) {
            shared_.log("configure", {{"error", done.error().line()}});
            return false;
        }
        warm_until_ = now + warm_max;
    }
    const json report = shared_.proxy.ask({{"type", "report"}}, {}, ProxyLink::answer_max).value_or(json());
    return checked_all(report, *wanted.config) || now >= *warm_until_;
}

}  // namespace appliance::control
