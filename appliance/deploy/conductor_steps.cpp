// Carries out one step, in a thread of its own. Steps on a fenced server run only while that fence stands.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "appliance/deploy/conductor.hpp"
#include "appliance/deploy/perform.hpp"

namespace appliance::deploy {
namespace {

// How often actions.ready() is asked.
constexpr std::chrono::milliseconds start_look{10};

}  // namespace

void Conductor::carry_out(unsigned id, Rollout rollout) {
    const Step step = rollout.steps.at(id);
    const std::string before = actions_.visitors(rollout.recipe.pool);
    const auto say = [this, id, &step](const std::string& text) {
        const std::lock_guard lock(mutex_);
        note("step", id, fmt::format("{}: {}", describe_step(step), text));
        static_cast<void>(flush());
        changed_.notify_all();
    };
    auto result = carry_out_fenced(step, rollout, say);
    const std::string after = actions_.visitors(rollout.recipe.pool);
    const std::lock_guard lock(mutex_);
    if (ledger_) {
        static_cast<void>(ledger_->note_visitors(rollout.id, id, false, before));
        static_cast<void>(ledger_->note_visitors(rollout.id, id, true, after));
    }
    end(id, std::move(result));
    under_way_.erase(id);
    changed_.notify_all();
}

// The fence is checked before and after each step on a fenced server. Two steps begin without the check. A command that
// was given out before this process started runs already. An opening that is tried again may find no fence.
core::Result<std::string> Conductor::carry_out_fenced(const Step& step, const Rollout& rollout, const Say& say) {
    const bool behind = step.kind == Kind::run || step.kind == Kind::warm || step.kind == Kind::verify;
    const bool running = step.kind == Kind::run && !step.evidence.empty();
    if ((behind && !running) || (step.kind == Kind::open && !step.again)) {
        if (auto stands = stands_or_fence(step, rollout, say); !stands) {
            return tl::unexpected(std::move(stands.error()));
        }
    }
    auto result = step.kind == Kind::run     ? await_job(step.id)
                  : step.kind == Kind::fence ? drain(step, rollout, say)
                                             : perform(step, rollout, actions_, stop_, say);
    if (step.kind == Kind::run) {
        actions_.end_command(rollout.recipe.pool, step.servers.front());
    }
    if (!result && (step.kind == Kind::open || step.kind == Kind::front || step.kind == Kind::soak)) {
        refence(step, rollout, result.error());
    }
    if (!result || !behind) {
        return result;
    }
    if (auto after = actions_.holds(rollout.id, rollout.recipe.pool, step.servers); !after) {
        only_pause();
        core::Error error = std::move(after.error());
        error.why += fmt::format("{}meanwhile: {}", error.why.empty() ? "" : "; ", *result);
        return tl::unexpected(std::move(error));
    }
    return result;
}

// Fences servers off, and waits for what is in flight.
core::Result<std::string> Conductor::drain(const Step& step, const Rollout& rollout, const Say& say) {
    std::map<std::string, std::string> places;
    for (const std::string& server : step.servers) {
        places[server] = address_of(rollout, server);
    }
    auto drained = perform(step, rollout, actions_, stop_, say);
    if (drained) {
        const std::lock_guard lock(mutex_);
        places.merge(drained_);
        drained_ = std::move(places);
    }
    return drained;
}

std::string Conductor::address_of(const Rollout& rollout, const std::string& server) const {
    const auto config = actions_.config();
    const config::Pool* const pool = config->pool(rollout.recipe.pool);
    for (const config::Backend& backend : pool == nullptr ? std::vector<config::Backend>() : pool->backends) {
        if (backend.server == server) {
            return backend.address.text();
        }
    }
    return {};
}

// Whether the server was drained at its present address. A reload may have moved it, and exchanges may be in flight
// there.
bool Conductor::is_drained(const Rollout& rollout, const std::string& server) const {
    const auto found = drained_.find(server);
    return found != drained_.end() && found->second == address_of(rollout, server);
}

// Fences again where needed. A repeated step may find its server open: an operator has lifted the fence, and then
// resumed. A repeated command may find exchanges in flight behind its fence: the server was open in between, and
// draining has failed since.
core::Result<void> Conductor::stands_or_fence(const Step& step, const Rollout& rollout, const Say& say) {
    while (!ending_ && !stop_ && !actions_.ready()) {
        core::base::sleep_for(start_look);
    }
    auto stands = actions_.holds(rollout.id, rollout.recipe.pool, step.servers);
    const bool moved = step.kind == Kind::run && [&] {
        const std::lock_guard lock(mutex_);
        return !is_drained(rollout, step.servers.front());
    }();
    const bool again = step.again && (step.kind == Kind::run || (!stands && step.kind != Kind::open));
    if (again || (stands && moved)) {
        Step fence = step;
        fence.kind = Kind::fence;
        const bool stood = stands.has_value();
        stands = drain(fence, rollout, say).map([&say, stood](const std::string& evidence) {
            if (!stood) {
                say("fenced again: " + evidence);
            }
        });
    }
    if (!stands) {
        only_pause();
    }
    return stands;
}

// Fences servers again that visitors have reached already. An operator's fence stays as it is.
void Conductor::refence(const Step& step, const Rollout& rollout, core::Error& failure) {
    if (rollout.strategy == Strategy::maintenance || ending_) {
        return;
    }
    const Words words{rollout.who, fmt::format("rollout {}: {}", rollout.id, failure.line()), rollout.id};
    for (const std::string& server : step.servers) {
        if (const auto fenced = actions_.fence(rollout.recipe.pool, {server}, false, words); !fenced) {
            failure.mend = fenced.error().line();
        }
    }
}

// No policy for failed steps fits: another person has decided about the server, or has to.
void Conductor::only_pause() {
    const std::lock_guard lock(mutex_);
    only_pause_ = true;
}

}  // namespace appliance::deploy
