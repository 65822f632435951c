#include "appliance/control/sync/redirect_sync.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "appliance/control/sync/redirects.hpp"

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

void RedirectSync::tick(Clock::time_point now) {
    if (now < due_) {
        return;
    }
    const bool wanted = any_in_kernel(*shared_.wanted().config);
    const bool attached = shared_.helper.attached();
    due_ = now + (wanted && attached ? redirect_step : redirect_retry);
    if (!attached) {
        return;
    }
    if (nlohmann::json seen = wanted ? shared_.report() : nlohmann::json(); !seen.is_null()) {
        const std::lock_guard lock(mutex_);
        health_ = std::move(seen);
    }
    if (now < look_at_ && !differ()) {
        return;
    }
    look_at_ = now + look_step;
    if (const auto done = update(); !done) {
        due_ = now + redirect_retry;
        shared_.log("redirect", {{"error", done.error().line()}});
    }
}

bool RedirectSync::differ() {
    const std::lock_guard lock(mutex_);
    const Wanted now = shared_.wanted();
    return !redirects_ || make_redirects(*now.config, *now.administration, health_, *redirects_) != *redirects_;
}

// Called after every change of the state and before it counts as made. Until the checks have told something, the kernel
// is left as it is: what an earlier control has put there goes on.
core::Result<void> RedirectSync::update() {
    const std::lock_guard lock(mutex_);
    const Wanted now = shared_.wanted();
    const bool wanted = any_in_kernel(*now.config);
    const bool none_there = redirects_ && redirects_->empty();
    if (!wanted && ((none_there && !forwarded_.lingers && forwarded_.os_error == 0) || !shared_.helper.attached())) {
        return {};
    }
    if (wanted && health_.is_null()) {
        health_ = shared_.report();
    }
    if (wanted && !redirects_ && !all_checked(*now.config, health_) && Clock::now() < shared_.started + checks_wait) {
        return {};
    }
    const auto before = redirects_.value_or(std::vector<netfilter::Redirect>());
    auto redirects = make_redirects(*now.config, *now.administration, health_, before);
    auto found = shared_.helper.put_redirects(redirects, netfilter::Forward::as_needed);
    if (!found) {
        return tl::unexpected(found.error());
    }
    counts_ = std::move(found->counts);
    note_forwarding(found->forwarded);
    // A fence process that has put nothing yet does not know what this one here has had made.
    if (found->before == netfilter::Before::foreign ||
        (found->before == netfilter::Before::unknown && redirects_ == redirects)) {
        // The culprit is not known, because the answer to a put does not name it.
        shared_.note_drift({{"what", "table inet gatehouse_redirect was changed"},
                            {"culprit", nullptr},
                            {"pid", nullptr},
                            {"repaired", true}});
    }
    redirects_ = std::move(redirects);
    return {};
}

// Once for each change: it is asked for twice a second.
void RedirectSync::note_forwarding(const netfilter::Forwarded& forwarded) {
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
    shared_.log("forwarding", event);
}

// The redirects stay in the kernel, where they serve whatever needs no forwarding, or has it from
// elsewhere. Where we have switched it on, nothing would guard it for ever after.
void RedirectSync::finish() {
    const std::lock_guard lock(mutex_);
    if (!forwarded_.ours || !redirects_) {
        return;
    }
    if (const auto done = shared_.helper.put_redirects(*redirects_, netfilter::Forward::no_more); done) {
        note_forwarding(done->forwarded);
    } else {
        shared_.log("forwarding", {{"error", done.error().line()}});
    }
}

// Changes nothing. The counts are those of the last look, half a second ago at most.
void RedirectSync::show(Json& view) {
    const Wanted now = shared_.wanted();
    std::map<core::Address, std::uint64_t> active;
    for (const config::Pool& pool : now.config->pools) {
        for (const config::Backend& backend : pool.backends) {
            if (pool.plane != config::Plane::kernel || !shared_.helper.attached() || !backend.has_address()) {
                continue;
            }
            if (const auto count = shared_.helper.count_redirected(backend.address)) {
                active[backend.address] = *count;
            }
        }
    }
    const std::lock_guard lock(mutex_);
    view_redirects(*now.config, counts_, active, view);
}

}  // namespace appliance::control
