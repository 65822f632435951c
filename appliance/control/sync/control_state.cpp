#include "appliance/control/sync/control_state.hpp"

#include <utility>

#include "appliance/link/event.hpp"

namespace appliance::control {
namespace {

// A worker answers within a turn of its loop; this long only on an overloaded machine.
constexpr core::Milliseconds report_max{2'000};
// One that has not answered the last question must not hold up each caller that asks: each would wait for the others
// too.
constexpr core::Milliseconds silent_look{200};
constexpr core::Milliseconds fences_step{20};

}  // namespace

ControlState::ControlState(const std::filesystem::path& folder, SupervisorLink& supervisor_link,
                           core::base::Log& log_to, Names::LookUp look_up)
    : keeper(folder,
             [this](const std::optional<StateTrouble>& trouble) {
                 log("state",
                     trouble ? Json{{"error", trouble->why}, {"unsaved", trouble->unsaved}} : Json{{"saved", true}});
             }),
      supervisor(supervisor_link),
      proxy([this](const std::string& why) { end_foreign(link::Process::proxy, why); }),
      helper([&supervisor_link] { supervisor_link.wake(); },
             [this](const std::string& why) { end_foreign(link::Process::fence, why); }),
      names(std::move(look_up)),
      log_(log_to) {
    keeper.follow_clock(wall_steps.offset());
    helper.follow_clock(wall_steps.offset());
}

void ControlState::begin(config::Config config, Administration administration) {
    const std::lock_guard lock(mutex_);
    wanted_ = {std::make_shared<const config::Config>(std::move(config)),
               std::make_shared<const Administration>(std::move(administration))};
}

Wanted ControlState::wanted() const {
    const std::lock_guard lock(mutex_);
    return wanted_;
}

void ControlState::publish(Administration administration) {
    untold = true;
    publish_ends(std::move(administration));
}

void ControlState::publish_ends(Administration administration) {
    const std::lock_guard lock(mutex_);
    wanted_.administration = std::make_shared<const Administration>(std::move(administration));
    revision.advance();
}

void ControlState::publish(config::Config config) {
    names.follow(config);
    names_moved = true;
    const std::lock_guard lock(mutex_);
    wanted_.config = std::make_shared<const config::Config>(std::move(config));
}

void ControlState::log(std::string_view kind, const Json& fields) {
    const std::string line = link::event_line(kind, fields);
    events.publish(kind, line);
    log_.write(line);
}

void ControlState::note_drift(Json event) {
    log("drift", drift.note(std::move(event)));
    revision.advance();
}

void ControlState::settle_drift() {
    if (const auto event = drift.settle()) {
        log("drift", *event);
        revision.advance();
    }
}

// It has sent what none of ours would. The supervisor starts another one, as after a death.
void ControlState::end_foreign(link::Process process, const std::string& why) {
    log("link", {{"process", link::print(process)}, {"error", why}});
    supervisor.end_child(process, why);
}

nlohmann::json ControlState::report() {
    if (proxy.status().state != ProxyState::running || !proxy.may_ask(silent_look)) {
        return nullptr;
    }
    return proxy.report(report_max);
}

ControlState::Json ControlState::refusals() {
    if (proxy.status().state != ProxyState::running || !proxy.may_ask(silent_look)) {
        return nullptr;
    }
    auto answer = proxy.ask({{"type", "refusals"}}, {}, report_max);
    return answer && answer->contains("refusals") ? Json(answer->at("refusals")) : Json();
}

Known ControlState::known() const {
    return {fences_read, keeper.known()};
}

// What an order would find nothing of, may be there.
Outcome<void> ControlState::state_is_known(const char* not_done) const {
    if (keeper.known()) {
        return {};
    }
    const auto trouble = keeper.trouble();
    return refuse(
        503, {not_done, "what the state folder holds is not known: " + (trouble ? trouble->why : "it is being read"),
              "gatehouse status shows the state folder; try again when it can be read", 0});
}

void ControlState::await_fences(Clock::time_point deadline) const {
    while (!knows_fences() && Clock::now() < deadline) {
        core::base::sleep_for(fences_step);
    }
}

// The kernel may have a fence that the store does not know: until the first look at it, and after a change that was
// taken back. Waits without the lock, which the look takes; it is held when this returns.
Outcome<std::unique_lock<std::mutex>> ControlState::lock_known() {
    const auto deadline = Clock::now() + start_wait;
    for (;;) {
        await_fences(deadline);
        std::unique_lock lock(changing);
        if (knows_fences()) {
            return lock;
        }
        if (Clock::now() >= deadline) {
            return refuse(503, {"nothing was done", "the kernel's fences are not known",
                                "gatehouse is starting, or the fence process is away; try again in a moment", 0});
        }
    }
}

}  // namespace appliance::control
