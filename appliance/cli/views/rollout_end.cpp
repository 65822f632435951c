#include "appliance/cli/views/rollout_end.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "appliance/cli/client/exit_code.hpp"

namespace appliance::cli {
namespace {

bool has_step(const Json& rollout, const char* kind, const char* progress) {
    const Json& steps = items(rollout, "steps");
    return std::any_of(steps.begin(), steps.end(), [&](const Json& step) {
        return text(step, "kind") == kind && text(step, "progress") == progress;
    });
}

// "0s" where the recipe does not wait for guards.
bool waits_for_guards(const Json& rollout) {
    const auto wait = core::base::parse_duration(text(field(rollout, "settings"), "wait"));
    return wait && *wait > core::Milliseconds{};
}

}  // namespace

bool has_failed(const Json& rollout) {
    const Json& steps = items(rollout, "steps");
    return std::any_of(steps.begin(), steps.end(), [](const Json& step) { return text(step, "progress") == "failed"; });
}

bool is_previewed(const Json& rollout) {
    return text(rollout, "state") == "paused" && has_step(rollout, "preview", "done") &&
           has_step(rollout, "show", "pending") && !has_failed(rollout);
}

int exit_code_of(const Json& rollout) {
    const std::string state = text(rollout, "state");
    if (state == "done" || is_previewed(rollout)) {
        return done;
    }
    // A guard's step fails when the wait for it is over, and not before.
    const bool guarded = state == "paused" && has_step(rollout, "guard", "failed") && waits_for_guards(rollout);
    const auto expires = time(rollout, "expires");
    const auto ended = time(rollout, "ended");
    const bool expired = state == "aborted" && expires && ended && *ended >= *expires &&
                         (has_step(rollout, "guard", "failed") || has_step(rollout, "wait", "failed"));
    return guarded || expired ? timed_out : failed;
}

std::string seen_of(const Json& step) {
    const std::string evidence = text(step, "evidence");
    if (text(step, "kind") != "run" || text(step, "progress") != "running") {
        return evidence;
    }
    // "laptop:4711:c6d79813": the runner's name, which it makes so.
    const auto last = evidence.rfind(':');
    const auto before = last == std::string::npos || last == 0 ? std::string::npos : evidence.rfind(':', last - 1);
    return before == std::string::npos
               ? evidence
               : fmt::format("by process {} on {}", evidence.substr(before + 1, last - before - 1),
                             evidence.substr(0, before));
}

}  // namespace appliance::cli
