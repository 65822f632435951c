// Pools with plane = "kernel": the kernel is told who is eligible whenever a check, a fence or the configuration
// changes that. The fence process puts right at once what another program did to its table; a look twice a second tells
// of it, and finds what was announced to nobody.
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "appliance/control/engine/control.hpp"
#include "appliance/control/engine/redirects.hpp"
#include "appliance/control/observe/views.hpp"

namespace appliance::control {
namespace {

constexpr std::chrono::milliseconds redirect_step{100};
constexpr std::chrono::milliseconds look_step{500};
constexpr std::chrono::seconds redirect_retry{1};
// An earlier run may have left redirects that serve: they are not emptied before the first checks, but for a server
// that answers none.
constexpr std::chrono::seconds checks_wait{3};

bool any_in_kernel(const config::Config& config) {
    return std::any_of(config.listeners.begin(), config.listeners.end(),
                       [&config](const config::Listener& listener) { return config.in_kernel(listener); });
}

}  // namespace

void Control::keep_redirects(Clock::time_point now) {
    if (now < redirect_at_) {
        return;
    }
    const bool wanted = any_in_kernel(*state().config);
    const bool attached = helper_.attached();
    redirect_at_ = now + (wanted && attached ? redirect_step : redirect_retry);
    if (!attached) {
        return;
    }
    if (nlohmann::json seen = wanted ? report() : nlohmann::json(); !seen.is_null()) {
        const std::lock_guard lock(redirecting_);
        health_ = std::move(seen);
    }
    if (now < look_at_ && !redirects_differ()) {
        return;
    }
    look_at_ = now + look_step;
    if (const auto done = redirect(); !done) {
        redirect_at_ = now + redirect_retry;
        log("redirect", {{"error", done.error().line()}});
    }
}

bool Control::redirects_differ() {
    const std::lock_guard lock(redirecting_);
    const State now = state();
    return !redirects_ || make_redirects(*now.config, *now.administration, health_, *redirects_) != *redirects_;
}

// Called after every change of the state and before it counts as made. Until the checks have told something, the kernel
// is left as it is: what an earlier control has put there goes on.
core::Result<void> Control::redirect() {
    const std::lock_guard lock(redirecting_);
    const State now = state();
    const bool wanted = any_in_kernel(*now.config);
    const bool none_there = redirects_ && redirects_->empty();
    if (!wanted && ((none_there && !forwarded_.lingers && forwarded_.os_error == 0) || !helper_.attached())) {
        return {};
    }
    if (wanted && health_.is_null()) {
        health_ = report();
    }
    if (wanted && !redirects_ && !all_checked(*now.config, health_) && Clock::now() < started_ + checks_wait) {
        return {};
    }
    const auto before = redirects_.value_or(std::vector<netfilter::Redirect>());
    auto redirects = make_redirects(*now.config, *now.administration, health_, before);
    auto found = helper_.put_redirects(redirects, netfilter::Forward::as_needed);
    if (!found) {
        return tl::unexpected(found.error());
    }
    redirect_counts_ = std::move(found->counts);
    note_forwarding(found->forwarded);
    // A fence process that has put nothing yet does not know what this one here has had made.
    if (found->before == netfilter::Before::foreign ||
        (found->before == netfilter::Before::unknown && redirects_ == redirects)) {
        note_redirect_drift();
    }
    redirects_ = std::move(redirects);
    return {};
}

// Once for each change: it is asked for twice a second.
void Control::note_forwarding(const netfilter::Forwarded& forwarded) {
    const auto before = std::exchange(forwarded_, forwarded);
    if (before == forwarded) {
        return;
    }
    const char* state = forwarded.lingers ? "on until the last connection has ended"
                        : forwarded.ours  ? "on for redirected connections alone"
                                          : "as it was found";
    Json event{{"state", state}};
    if (forwarded.os_error != 0) {
        event["error"] = core::fail_os("cannot switch forwarding", forwarded.os_error).value().line();
    }
    log("forwarding", event);
}

// The redirects stay in the kernel, where they serve whatever needs no forwarding, or has it from
// elsewhere. Where we have switched it on, nothing would guard it for ever after.
void Control::finish() {
    const std::lock_guard lock(redirecting_);
    if (!stopping_ || !forwarded_.ours || !redirects_) {
        return;
    }
    if (const auto done = helper_.put_redirects(*redirects_, netfilter::Forward::no_more); done) {
        note_forwarding(done->forwarded);
    } else {
        log("forwarding", {{"error", done.error().line()}});
    }
}

// In the form of control_drift.cpp's event; who it was is not known, because the answer to a put does not say it.
void Control::note_redirect_drift() {
    Json event{{"what", "table inet gatehouse_redirect was changed"}, {"culprit", nullptr}, {"pid", nullptr}};
    event["repaired"] = true;
    {
        const std::lock_guard lock(state_mutex_);
        ++repairs_;
        last_drift_ = event;
        last_drift_["time"] = core::base::print_time(core::base::wall_now());
        event["repairs"] = repairs_;
    }
    log("drift", event);
    revision_.advance();
}

// Changes nothing. The counts are those of the last look, half a second ago at most.
void Control::show_redirects(Json& view) {
    const State now = state();
    std::map<core::Address, std::uint64_t> active;
    for (const config::Pool& pool : now.config->pools) {
        for (const config::Backend& backend : pool.backends) {
            if (pool.plane != config::Plane::kernel || !helper_.attached() || !backend.has_address()) {
                continue;
            }
            if (const auto count = helper_.count_redirected(backend.address)) {
                active[backend.address] = *count;
            }
        }
    }
    const std::lock_guard lock(redirecting_);
    view_redirects(*now.config, redirect_counts_, active, view);
}

// What is in flight on the target, of whichever plane serves its pool. Nothing: it is not known, because the process
// that counts does not answer.
std::optional<std::uint64_t> Control::in_flight(const Target& target, const nlohmann::json& seen) {
    const State now = state();
    const config::Pool* pool = now.config->pool(target.pool);
    if (pool == nullptr || pool->plane != config::Plane::kernel) {
        if (old_proxies() > 0) {
            return std::nullopt;  // what they have in flight only they know, and nobody can ask them
        }
        return active_in(seen, target.pool, target.server);
    }
    const auto count = helper_.count_redirected(target.address);
    return count ? std::optional(*count) : std::nullopt;
}

}  // namespace appliance::control
