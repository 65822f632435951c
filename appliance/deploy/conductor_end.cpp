// Ends a rollout, and undoes its fences and page where it ends early.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "appliance/deploy/conductor.hpp"

namespace appliance::deploy {

void Conductor::finish(Lock& lock, State state, std::string why) {
    const Turn turn(*this);
    if (state != State::done && put_right(lock)) {
        why += "; the page stays, gatehouse maintenance off shows the site";
    }
    aborting_ = false;
    stop_ = false;
    active_->ended = core::base::wall_now();
    set_state(state, std::move(why));
    if (flush()) {
        leave();
    }
}

void Conductor::leave() {
    active_.reset();
    jobs_.clear();
    lost_.clear();
    drained_.clear();
    runner_.clear();
    runner_heard_.reset();
    changed_.notify_all();
}

// Opens the servers that the rollout has fenced and not touched. Takes the page off where a server can serve. True: the
// page stays on, because testers have not approved the site.
bool Conductor::put_right(Lock& lock) {
    const auto touched = touched_servers(*active_);
    std::vector<std::string> untouched;
    for (const std::string& server : held_servers(*active_)) {
        if (std::find(touched.begin(), touched.end(), server) == touched.end()) {
            untouched.push_back(server);
        }
    }
    const bool paged = std::any_of(active_->steps.begin(), active_->steps.end(),
                                   [](const Step& step) { return step.kind == Kind::page && step.began; });
    // Testers were to look, and no operator has resumed.
    const bool unseen = std::any_of(active_->steps.begin(), active_->steps.end(),
                                    [](const Step& step) { return step.kind == Kind::show && !step.began; });
    const std::string pool = active_->recipe.pool;
    const Words words{active_->who, fmt::format("rollout {} ended", active_->id), active_->id};
    const std::size_t held = held_servers(*active_).size();
    const std::size_t all = [&] {
        const auto config = actions_.config();
        const config::Pool* found = config->pool(pool);
        return found == nullptr ? std::size_t{0} : found->backends.size();
    }();
    lock.unlock();
    // One at a time: a server that an operator has fenced meanwhile stays fenced.
    std::vector<std::string> opened;
    for (const std::string& server : untouched) {
        if (const auto lifted = actions_.unfence(pool, {server}, words); lifted) {
            opened.push_back(server);
        } else {
            actions_.event("deploy", {{"error", lifted.error().line()}});
        }
    }
    if (paged && !unseen && held - untouched.size() < all) {
        if (const auto shown = actions_.page(pool, false, {}, words); !shown) {
            actions_.event("deploy", {{"error", shown.error().line()}});
        }
    }
    lock.lock();
    if (!opened.empty()) {
        note("state", std::nullopt, fmt::format("opened again, untouched: {}", fmt::join(opened, ", ")));
    }
    return paged && unseen;
}

}  // namespace appliance::deploy
