#include "netfilter/redirect/forwarding_keeper.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace netfilter {
namespace {

std::set<core::Address> elsewhere(std::span<const Redirect> redirects) {
    std::set<core::Address> backends;
    for (const auto& redirect : redirects) {
        for (const auto& backend : redirect.backends) {
            if (!backend.address.is_loopback()) {
                backends.insert(backend.address);
            }
        }
    }
    return backends;
}

bool has_family(const std::set<core::Address>& backends, bool v4) {
    return std::any_of(backends.begin(), backends.end(), [v4](const auto& each) { return each.is_v4() == v4; });
}

}  // namespace

const Found& ForwardingKeeper::prepare(std::span<const Redirect> redirects, Forward forward) {
    state_ = {};
    remember(elsewhere(redirects));
    for (const bool v4 : {true, false}) {
        auto& found = found_.at(v4 ? 1 : 0);
        const bool needed = forward == Forward::as_needed && has_family(backends_, v4);
        if (needed && !found) {
            if (const auto now = kernel_.forwarding(v4); !now) {
                note(now.error());
            } else if (!now->on) {
                found = *now;
            }
        } else if (!needed && found) {
            const bool lingers = forward == Forward::as_needed && is_left(v4);
            state_.lingers = state_.lingers || lingers;
            if (const auto done = lingers ? core::Result<void>() : kernel_.set_forwarding(v4, *found); !done) {
                note(done.error());
            } else if (!lingers) {
                found.reset();
            }
        }
    }
    state_.ours = is_guarded(found_);
    return found_;
}

void ForwardingKeeper::finish() {
    for (const bool v4 : {true, false}) {
        if (!found_.at(v4 ? 1 : 0)) {
            continue;
        }
        const auto now = kernel_.forwarding(v4);
        if (now && now->on) {
            continue;
        }
        if (const auto done = kernel_.set_forwarding(v4, {.on = true, .accept_redirects = false}); !done) {
            note(done.error());
        }
    }
}

void ForwardingKeeper::note(const core::Error& error) {
    state_.os_error = error.os_error != 0 ? error.os_error : EIO;
}

// Counts only removed backends, so it costs nothing while nothing changes.
void ForwardingKeeper::remember(std::set<core::Address> backends) {
    if (backends == backends_) {
        return;
    }
    former_.merge(std::exchange(backends_, std::move(backends)));
    std::erase_if(former_, [this](const core::Address& each) {
        return backends_.contains(each) || kernel_.count_redirected({each}) == 0U;
    });
}

bool ForwardingKeeper::is_left(bool v4) {
    std::erase_if(former_, [this](const core::Address& each) { return kernel_.count_redirected({each}) == 0U; });
    return has_family(former_, v4);
}

}  // namespace netfilter
